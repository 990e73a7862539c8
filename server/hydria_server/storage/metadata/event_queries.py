"""Looking into the history: by name, by time, at a moment; and cutting it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.events import AliasHolder, EventFilter, EventQuery, EventScope
from hydria_server.domain.records import EventRecord
from hydria_server.storage.metadata.dialect import json_text
from hydria_server.storage.metadata.engine_tables import EVENT
from hydria_server.storage.metadata.events import RECORDS, SqlEvents, record_of
from hydria_server.storage.metadata.registry_tables import PROJECT_REDIRECT
from hydria_server.storage.metadata.tables import (
    ALIAS_INTERVAL,
    COLLECTION,
    COLLECTION_REDIRECT,
    ENTITY,
    IS_OPEN_INTERVAL,
    PROJECT,
    VERSION,
)

_HOLDERS = select(
    ALIAS_INTERVAL.c.collection_id,
    ALIAS_INTERVAL.c.alias,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    COLLECTION.c.name.label("collection"),
    COLLECTION.c.type,
    VERSION.c.number,
    VERSION.c.digest,
    ALIAS_INTERVAL.c.from_time_us,
    ALIAS_INTERVAL.c.actor,
).select_from(
    ALIAS_INTERVAL.join(COLLECTION, COLLECTION.c.id == ALIAS_INTERVAL.c.collection_id)
    .join(PROJECT, PROJECT.c.id == COLLECTION.c.project_id)
    .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
    .join(VERSION, VERSION.c.id == ALIAS_INTERVAL.c.version_id)
)
_FIRST_EVENT = (
    select(func.min(EVENT.c.seq))
    .where(EVENT.c.entity_id == ENTITY.c.id)
    .correlate(ENTITY)
    .scalar_subquery()
)
_ENTITIES_BEFORE = (
    select(ENTITY.c.id)
    .join(EVENT, (EVENT.c.entity_id == ENTITY.c.id) & (EVENT.c.seq == _FIRST_EVENT))
    .where(EVENT.c.time_us < bindparam("time_us"))
)


class SqlEventQueries:
    """Reads of history, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._events = SqlEvents(connection, [])

    async def scope(self, entity_id: int, filter_: EventFilter) -> EventScope:
        if not filter_.project:
            return EventScope(None, None)
        named = [
            select(found).where(table.c.entity_id == entity_id, table.c.name == filter_.project)
            for table, found in (
                (PROJECT, PROJECT.c.id),
                (PROJECT_REDIRECT, PROJECT_REDIRECT.c.project_id),
            )
        ]
        project_ids = frozenset((await self._connection.execute(union_all(*named))).scalars())
        if not filter_.collections:
            return EventScope(project_ids, None)
        ids: set[int] = set()
        for table, found in (
            (COLLECTION, COLLECTION.c.id),
            (COLLECTION_REDIRECT, COLLECTION_REDIRECT.c.collection_id),
        ):
            statement = select(found).where(
                table.c.project_id.in_(project_ids), table.c.name.in_(filter_.collections)
            )
            ids.update((await self._connection.execute(statement)).scalars())
        return EventScope(project_ids, frozenset(ids))

    async def find(self, query: EventQuery) -> list[EventRecord]:
        statement = RECORDS.where(
            EVENT.c.entity_id == query.entity_id,
            EVENT.c.seq.between(query.first, query.last),
            *_within(query.scope, EVENT.c.project_id, EVENT.c.collection_id),
        )
        if query.types:
            statement = statement.where(EVENT.c.type.in_([type_.value for type_ in query.types]))
        if query.aliases:
            alias = json_text(EVENT.c.data_json, "alias")
            statement = statement.where(alias.in_(sorted(query.aliases)))
        if query.actor:
            statement = statement.where(EVENT.c.actor == query.actor)
        order = EVENT.c.seq.desc() if query.descending else EVENT.c.seq
        rows = await self._connection.execute(statement.order_by(order).limit(query.limit))
        return [record_of(row) for row in rows.mappings()]

    async def seq_at(self, entity_id: int, time_us: int) -> int:
        """Halve: numbers have no gaps, and times grow with them, so that no index is needed."""
        bounds = await self._events.bounds(entity_id)
        low, high = bounds.first, bounds.last + 1
        while low < high:
            middle = (low + high) // 2
            time = await self._events.time_of(entity_id, middle)
            if time is not None and time < time_us:
                low = middle + 1
            else:
                high = middle
        return low

    async def holders(
        self,
        entity_id: int,
        scope: EventScope,
        aliases: Collection[str],
        *,
        at_us: int,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[AliasHolder]:
        then = _HOLDERS.where(
            PROJECT.c.entity_id == entity_id,
            ALIAS_INTERVAL.c.from_time_us <= at_us,
            *_within(scope, PROJECT.c.id, COLLECTION.c.id),
        )
        if aliases:
            then = then.where(ALIAS_INTERVAL.c.alias.in_(sorted(aliases)))
        if after is not None:
            key = tuple_(ALIAS_INTERVAL.c.collection_id, ALIAS_INTERVAL.c.alias)
            then = then.where(key > tuple_(*after))
        # Nearly all that held then hold now. The rest ended since; an index has the latest ends.
        both = union_all(
            then.where(IS_OPEN_INTERVAL), then.where(ALIAS_INTERVAL.c.to_time_us > at_us)
        ).subquery()
        page: Select[*tuple[object, ...]] = (
            select(both).order_by(both.c.collection_id, both.c.alias).limit(limit)
        )
        rows = await self._connection.execute(page)
        return [AliasHolder(**row) for row in rows.mappings()]

    async def entities_before(self, time_us: int) -> list[int]:
        rows = await self._connection.execute(_ENTITIES_BEFORE, {"time_us": time_us})
        return list(rows.scalars())

    async def forget_before(self, entity_id: int, seq: int, *, limit: int) -> int:
        first = (await self._events.bounds(entity_id)).first
        end = min(seq, first + limit)
        deleted = await self._connection.execute(
            delete(EVENT).where(EVENT.c.entity_id == entity_id, EVENT.c.seq < end)
        )
        return deleted.rowcount


def _within(
    scope: EventScope, project_id: ColumnElement[int], collection_id: ColumnElement[int]
) -> list[ColumnElement[bool]]:
    """Return the conditions of a scope; the narrower one alone, which an index can answer."""
    if scope.collection_ids is not None:
        return [collection_id.in_(sorted(scope.collection_ids))]
    if scope.project_ids is not None:
        return [project_id.in_(sorted(scope.project_ids))]
    return []
