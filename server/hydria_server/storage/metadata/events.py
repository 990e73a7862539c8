"""The ordered, append-only history of each entity, and the alias intervals that go with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, RowMapping, bindparam, case, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventBounds
from hydria_server.domain.records import AliasMove, EventDraft, EventRecord
from hydria_server.storage.metadata.dialect import batches
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import PUT_OFF
from hydria_server.storage.metadata.engine_tables import EVENT
from hydria_server.storage.metadata.tables import ALIAS_INTERVAL, ENTITY, IS_OPEN_INTERVAL

_NOW: BindParameter[int] = bindparam("now_us")
_TAKE = (
    update(ENTITY)
    .where(ENTITY.c.id == bindparam("entity"))
    .values(
        last_event_seq=ENTITY.c.last_event_seq + bindparam("count"),
        last_event_time_us=case(
            (ENTITY.c.last_event_time_us < _NOW, _NOW), else_=ENTITY.c.last_event_time_us + 1
        ),
    )
    .returning(ENTITY.c.last_event_seq, ENTITY.c.last_event_time_us)
)
_OF_ENTITY = EVENT.c.entity_id == bindparam("entity")
RECORDS = select(
    EVENT.c.seq,
    EVENT.c.time_us,
    EVENT.c.type,
    EVENT.c.actor,
    EVENT.c.project_id,
    EVENT.c.collection_id,
    EVENT.c.version_id,
    EVENT.c.data_json,
)
_AFTER = (
    RECORDS.where(_OF_ENTITY, EVENT.c.seq > bindparam("seq"))
    .order_by(EVENT.c.seq)
    .limit(bindparam("limit"))
)
_TIME = select(EVENT.c.time_us).where(_OF_ENTITY, EVENT.c.seq == bindparam("seq"))
_FIRST = select(EVENT.c.seq).where(_OF_ENTITY).order_by(EVENT.c.seq).limit(1).scalar_subquery()
_BOUNDS = select(_FIRST.label("first"), ENTITY.c.last_event_seq, ENTITY.c.last_event_time_us).where(
    ENTITY.c.id == bindparam("entity")
)
_HEADS = select(ENTITY.c.id, ENTITY.c.last_event_seq)
_OPEN_INTERVAL = (
    ALIAS_INTERVAL.c.collection_id == bindparam("in_collection"),
    ALIAS_INTERVAL.c.alias == bindparam("of_alias"),
    IS_OPEN_INTERVAL,
)
_CLOSE = (
    update(ALIAS_INTERVAL)
    .where(*_OPEN_INTERVAL, ALIAS_INTERVAL.c.version_id.is_distinct_from(bindparam("to_version")))
    .values(to_time_us=bindparam("time_us"))
    .execution_options(**PUT_OFF)
)
# Not where one is open, which is of that version: the alias did not move.
_OPEN = (
    insert(ALIAS_INTERVAL)
    .execution_options(**PUT_OFF)
    .from_select(
        ["collection_id", "alias", "from_time_us", "version_id", "actor"],
        select(
            bindparam("in_collection", type_=ALIAS_INTERVAL.c.collection_id.type),
            bindparam("of_alias", type_=ALIAS_INTERVAL.c.alias.type),
            bindparam("time_us", type_=ALIAS_INTERVAL.c.from_time_us.type),
            bindparam("to_version", type_=ALIAS_INTERVAL.c.version_id.type),
            bindparam("by_actor", type_=ALIAS_INTERVAL.c.actor.type),
        ).where(~exists().where(*_OPEN_INTERVAL)),
    )
)
_INSERT_EVENT = insert(EVENT).execution_options(**PUT_OFF)


class SqlEvents:
    """Rows of events, in one transaction. What is recorded is noted in `recorded` too."""

    def __init__(
        self, connection: AsyncConnection, recorded: list[tuple[int, list[EventRecord]]]
    ) -> None:
        self._connection = connection
        self._recorded = recorded

    async def record(
        self,
        entity_id: int,
        drafts: Sequence[EventDraft],
        moves: Sequence[AliasMove],
        *,
        actor: str,
        now_us: int,
    ) -> int:
        taken = await self._connection.execute(
            _TAKE, {"entity": entity_id, "count": len(drafts), "now_us": now_us}
        )
        last_seq, time_us = taken.one()
        if drafts:
            events = [
                EventRecord(
                    seq=seq,
                    time_us=time_us,
                    type=draft.type,
                    actor=actor,
                    project_id=draft.project_id,
                    collection_id=draft.collection_id,
                    version_id=draft.version_id,
                    data=draft.data,
                )
                for seq, draft in enumerate(drafts, last_seq - len(drafts) + 1)
            ]
            rows = [_row_of(entity_id, event) for event in events]
            await self._connection.execute(_INSERT_EVENT, rows)
            self._recorded.append((entity_id, events))
        if moves:
            await self._move(moves, actor=actor, time_us=time_us)
        used: int = time_us
        return used

    async def _move(self, moves: Sequence[AliasMove], *, actor: str, time_us: int) -> None:
        """Close and open intervals; of several moves of one alias the last one stands.

        No interval of before begins at `time_us`, for no two transactions of an entity share one.
        """
        last = {(move.collection_id, move.alias): move.to_version_id for move in moves}
        intervals = [
            {
                "in_collection": collection_id,
                "of_alias": alias,
                "to_version": to_version,
                "time_us": time_us,
            }
            for (collection_id, alias), to_version in last.items()
        ]
        await self._connection.execute(_CLOSE, intervals)
        opened = [
            {**interval, "by_actor": actor}
            for interval in intervals
            if interval["to_version"] is not None
        ]
        if opened:
            await self._connection.execute(_OPEN, opened)

    async def after(self, entity_id: int, seq: int, *, limit: int) -> list[EventRecord]:
        rows = await self._connection.execute(
            _AFTER, {"entity": entity_id, "seq": seq, "limit": limit}
        )
        return [record_of(row) for row in rows.mappings()]

    async def bounds(self, entity_id: int) -> EventBounds:
        ((first, last, last_time_us),) = await fetch(
            self._connection, _BOUNDS, {"entity": entity_id}
        )
        return EventBounds(last + 1 if first is None else first, last, last_time_us)

    async def heads(self, entity_ids: Collection[int]) -> dict[int, int]:
        heads: dict[int, int] = {}
        for group in batches(entity_ids):
            rows = await self._connection.execute(_HEADS.where(ENTITY.c.id.in_(group)))
            heads |= {row.id: row.last_event_seq for row in rows}
        return heads

    async def time_of(self, entity_id: int, seq: int) -> int | None:
        times = await fetch(self._connection, _TIME, {"entity": entity_id, "seq": seq})
        return next((time_us for (time_us,) in times), None)


def _row_of(entity_id: int, event: EventRecord) -> dict[str, Value]:
    return {
        "entity_id": entity_id,
        "seq": event.seq,
        "time_us": event.time_us,
        "type": event.type.value,
        "project_id": event.project_id,
        "collection_id": event.collection_id,
        "version_id": event.version_id,
        "actor": event.actor,
        "data_json": json.dumps(dict(event.data), ensure_ascii=False),
    }


def record_of(row: RowMapping) -> EventRecord:
    """Return the event in a row of `RECORDS`."""
    columns = {name: value for name, value in row.items() if name != "data_json"}
    return EventRecord(
        **{**columns, "type": EventType(row["type"])}, data=json.loads(row["data_json"])
    )
