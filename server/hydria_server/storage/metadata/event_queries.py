"""Looking into the history: by name, by time, at a moment; and cutting it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.events import AliasHolder, EventFilter, EventQuery, EventScope
from hydria_server.domain.records import EventRecord
from hydria_server.storage.metadata.dialect import (
    given_names,
    given_numbers,
    is_one_of_names,
    is_one_of_numbers,
    json_text,
)
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
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

_PROJECTS_NAMED = union_all(
    *(
        select(found).where(
            table.c.entity_id == bindparam("entity"), table.c.name == bindparam("project")
        )
        for table, found in (
            (PROJECT, PROJECT.c.id),
            (PROJECT_REDIRECT, PROJECT_REDIRECT.c.project_id),
        )
    )
)
_COLLECTIONS_NAMED = union_all(
    *(
        select(found).where(is_one_of_numbers(table.c.project_id), is_one_of_names(table.c.name))
        for table, found in (
            (COLLECTION, COLLECTION.c.id),
            (COLLECTION_REDIRECT, COLLECTION_REDIRECT.c.collection_id),
        )
    )
)
_HOLDERS = select(  # as the fields of AliasHolder
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


@lru_cache(maxsize=64)
def _holders_in(
    scope: str, id_count: int, alias_count: int, *, is_first: bool
) -> Select[*tuple[Any, ...]]:
    """Return the statement for a page of holders.

    A place for each name, not one value for all: for lists of unknown length SQLite takes an index
    of all intervals that there ever were.

    Args:
        scope: what the ids are of: "collection", "project", or empty for all.
        id_count: how many there are.
        alias_count: how many aliases; 0 for all.
        is_first: whether it is the first page.
    """
    then = _HOLDERS.where(
        PROJECT.c.entity_id == bindparam("entity"),
        ALIAS_INTERVAL.c.from_time_us <= bindparam("at_us"),
    )
    if scope:
        ids: list[BindParameter[int]] = [bindparam(name) for name in _numbered("id", id_count)]
        then = then.where((COLLECTION if scope == "collection" else PROJECT).c.id.in_(ids))
    if alias_count:
        names: list[BindParameter[str]]
        names = [bindparam(name) for name in _numbered("alias", alias_count)]
        then = then.where(ALIAS_INTERVAL.c.alias.in_(names))
    if not is_first:
        key = tuple_(ALIAS_INTERVAL.c.collection_id, ALIAS_INTERVAL.c.alias)
        then = then.where(key > tuple_(bindparam("after_collection"), bindparam("after_alias")))
    # Nearly all that held then hold now. The rest ended since; an index has the latest ends.
    both = union_all(
        then.where(IS_OPEN_INTERVAL), then.where(ALIAS_INTERVAL.c.to_time_us > bindparam("at_us"))
    ).subquery()
    ordered = select(both).order_by(both.c.collection_id, both.c.alias)
    return ordered.limit(bindparam("limit"))


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}_{number}" for number in range(count)]


class SqlEventQueries:
    """Reads of history, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._events = SqlEvents(connection, [])

    async def scope(self, entity_id: int, filter_: EventFilter) -> EventScope:
        if not filter_.project:
            return EventScope(None, None)
        named: dict[str, Value] = {"entity": entity_id, "project": filter_.project}
        project_ids = {id_ for (id_,) in await fetch(self._connection, _PROJECTS_NAMED, named)}
        if not filter_.collections:
            return EventScope(frozenset(project_ids), None)
        within = given_numbers(project_ids) | given_names(filter_.collections)
        ids = {id_ for (id_,) in await fetch(self._connection, _COLLECTIONS_NAMED, within)}
        return EventScope(frozenset(project_ids), frozenset(ids))

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
        kind, ids = _narrower(scope)
        if kind and not ids:
            return []
        statement = _holders_in(kind, len(ids), len(aliases), is_first=after is None)
        collection_id, alias = after or (0, "")
        values: dict[str, Value] = {
            "entity": entity_id,
            "at_us": at_us,
            "after_collection": collection_id,
            "after_alias": alias,
            "limit": limit,
            **dict(zip(_numbered("id", len(ids)), ids, strict=True)),
            **dict(zip(_numbered("alias", len(aliases)), sorted(aliases), strict=True)),
        }
        return [AliasHolder(*row) for row in await fetch(self._connection, statement, values)]

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
    """Return the conditions of a scope."""
    kind, ids = _narrower(scope)
    return [(collection_id if kind == "collection" else project_id).in_(ids)] if kind else []


def _narrower(scope: EventScope) -> tuple[str, list[int]]:
    """Return what a scope consists of: the narrower one alone, which an index can answer."""
    if scope.collection_ids is not None:
        return "collection", sorted(scope.collection_ids)
    if scope.project_ids is not None:
        return "project", sorted(scope.project_ids)
    return "", []
