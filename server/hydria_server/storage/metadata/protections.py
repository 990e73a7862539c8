"""Protected aliases, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.alias_records import HeldAlias
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.protection_tables import (
    PROTECTED_ALIAS,
    WHOLE_REGISTRY,
    protects,
)
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    ENTITY,
    IS_LIVE_LINK,
    PROJECT,
    VERSION,
)

_THERE = (
    PROTECTED_ALIAS.c.project_id == bindparam("of_project"),
    PROTECTED_ALIAS.c.collection_id == bindparam("of_collection"),
)
_OF = select(PROTECTED_ALIAS.c.alias).where(*_THERE).order_by(PROTECTED_ALIAS.c.alias)
_REMOVE = delete(PROTECTED_ALIAS).where(*_THERE, PROTECTED_ALIAS.c.alias == bindparam("of_alias"))
_ADD = plain_insert(PROTECTED_ALIAS)
_SOURCE = VERSION.alias("source")


def _held(holder: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Return the protected aliases that point to versions for which `holder` is true."""
    return (
        select(
            ENTITY.c.name.label("entity"),
            PROJECT.c.name.label("project"),
            COLLECTION.c.name.label("collection"),
            ALIAS.c.name.label("alias"),
        )
        .select_from(
            VERSION.join(ALIAS, ALIAS.c.version_id == VERSION.c.id)
            .join(
                PROTECTED_ALIAS,
                and_(
                    protects(VERSION.c.project_id, VERSION.c.collection_id)(PROTECTED_ALIAS),
                    PROTECTED_ALIAS.c.alias == ALIAS.c.name,
                ),
            )
            .join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id)
            .join(PROJECT, PROJECT.c.id == VERSION.c.project_id)
            .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
        )
        .where(holder)
        .distinct()
    )


_BY_VERSION = _held(VERSION.c.id == bindparam("holder"))
_BY_LINKS = _held(and_(VERSION.c.source_version_id == bindparam("holder"), IS_LIVE_LINK))
_IN_COLLECTION = _held(ALIAS.c.collection_id == bindparam("holder"))
_BY_LINKS_OF_COLLECTION = _held(
    and_(
        VERSION.c.source_version_id.in_(
            select(_SOURCE.c.id).where(_SOURCE.c.collection_id == bindparam("holder"))
        ),
        IS_LIVE_LINK,
    )
)


class SqlProtections:
    """Rows of protected aliases, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, project_id: int, collection_id: int | None) -> tuple[str, ...]:
        found = await self._connection.execute(_OF, _place(project_id, collection_id))
        return tuple(found.scalars())

    async def add(self, project_id: int, collection_id: int | None, aliases: Sequence[str]) -> None:
        there = await self.of(project_id, collection_id)
        rows = [
            {
                "project_id": project_id,
                "collection_id": collection_id or WHOLE_REGISTRY,
                "alias": alias,
            }
            for alias in sorted(set(aliases).difference(there))
        ]
        if rows:
            await self._connection.execute(_ADD, rows)

    async def remove(
        self, project_id: int, collection_id: int | None, aliases: Sequence[str]
    ) -> None:
        place = _place(project_id, collection_id)
        rows = [{**place, "of_alias": alias} for alias in sorted(set(aliases))]
        if rows:
            await self._connection.execute(_REMOVE, rows)

    async def held_by_version(self, version_id: int) -> list[HeldAlias]:
        return await self._all_held(version_id, _BY_VERSION, _BY_LINKS)

    async def held_in_collection(self, collection_id: int) -> list[HeldAlias]:
        return await self._all_held(collection_id, _IN_COLLECTION, _BY_LINKS_OF_COLLECTION)

    async def _all_held(
        self, holder: int, *statements: Select[*tuple[Any, ...]]
    ) -> list[HeldAlias]:
        held: list[HeldAlias] = []
        for statement in statements:
            rows = await self._connection.execute(statement, {"holder": holder})
            held += [HeldAlias(**row) for row in rows.mappings()]
        return held


def _place(project_id: int, collection_id: int | None) -> Mapping[str, Value]:
    return {"of_project": project_id, "of_collection": collection_id or WHOLE_REGISTRY}
