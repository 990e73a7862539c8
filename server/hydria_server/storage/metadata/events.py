"""The ordered, append-only history of each entity, and the alias intervals that go with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import BindParameter, bindparam, case, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import AliasMove, EventDraft, EventRecord
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
_TARGET = select(ALIAS_INTERVAL.c.version_id, ALIAS_INTERVAL.c.from_time_us).where(*_OPEN_INTERVAL)
_FORGET = delete(ALIAS_INTERVAL).where(*_OPEN_INTERVAL)
_CLOSE = update(ALIAS_INTERVAL).where(*_OPEN_INTERVAL).values(to_time_us=bindparam("time_us"))
_INSERT_EVENT = insert(EVENT)
_INSERT_INTERVAL = insert(ALIAS_INTERVAL)


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
        for move in moves:
            await self._move(move, actor=actor, time_us=time_us)
        used: int = time_us
        return used

    async def _move(self, move: AliasMove, *, actor: str, time_us: int) -> None:
        interval = {"in_collection": move.collection_id, "of_alias": move.alias}
        before = (await self._connection.execute(_TARGET, interval)).first()
        if move.to_version_id == (before.version_id if before else None):
            return
        if before and before.from_time_us == time_us:  # it would end as it begins: it never was
            await self._connection.execute(_FORGET, interval)
        elif before:
            await self._connection.execute(_CLOSE, {**interval, "time_us": time_us})
        if move.to_version_id is not None:
            await self._connection.execute(
                _INSERT_INTERVAL,
                {
                    "collection_id": move.collection_id,
                    "alias": move.alias,
                    "from_time_us": time_us,
                    "version_id": move.to_version_id,
                    "actor": actor,
                },
            )

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
