"""The ordered, append-only history of each entity, and the alias intervals that go with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import BindParameter, bindparam, case, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import AliasMove, EventDraft, EventRecord
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
_AFTER = (
    select(
        EVENT.c.seq,
        EVENT.c.time_us,
        EVENT.c.type,
        EVENT.c.actor,
        EVENT.c.project_id,
        EVENT.c.collection_id,
        EVENT.c.version_id,
        EVENT.c.data_json,
    )
    .where(EVENT.c.entity_id == bindparam("entity"), EVENT.c.seq > bindparam("seq"))
    .order_by(EVENT.c.seq)
    .limit(bindparam("limit"))
)
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
    """Rows of events, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

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
            rows = [
                {
                    "entity_id": entity_id,
                    "seq": seq,
                    "time_us": time_us,
                    "type": draft.type.value,
                    "project_id": draft.project_id,
                    "collection_id": draft.collection_id,
                    "version_id": draft.version_id,
                    "actor": actor,
                    "data_json": json.dumps(dict(draft.data), ensure_ascii=False),
                }
                for seq, draft in enumerate(drafts, last_seq - len(drafts) + 1)
            ]
            await self._connection.execute(_INSERT_EVENT, rows)
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
        return [
            EventRecord(
                seq=row.seq,
                time_us=row.time_us,
                type=EventType(row.type),
                actor=row.actor,
                project_id=row.project_id,
                collection_id=row.collection_id,
                version_id=row.version_id,
                data=json.loads(row.data_json),
            )
            for row in rows
        ]
