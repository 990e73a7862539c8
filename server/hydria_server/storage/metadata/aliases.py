"""Where aliases point now, and where they pointed when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.records import LATEST, AliasInterval, AliasTarget
from hydria_server.storage.metadata.dialect import batches, given_names, insert, is_one_of_names
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import PUT_OFF
from hydria_server.storage.metadata.tables import ALIAS, ALIAS_INTERVAL, VERSION

_IS_ALIAS = (
    ALIAS.c.collection_id == bindparam("in_collection"),
    ALIAS.c.name == bindparam("alias"),
)
_TARGETS = (
    select(ALIAS.c.name, ALIAS.c.version_id, VERSION.c.number)
    .join(VERSION, VERSION.c.id == ALIAS.c.version_id)
    .where(
        ALIAS.c.collection_id == bindparam("in_collection"),
        is_one_of_names(ALIAS.c.name),
    )
)
_REMOVE = delete(ALIAS).where(*_IS_ALIAS).returning(ALIAS.c.version_id)
_OF_COLLECTION = select(ALIAS.c.name, ALIAS.c.version_id).where(
    ALIAS.c.collection_id == bindparam("in_collection")
)
_INTERVALS = (
    select(
        ALIAS_INTERVAL.c.collection_id,
        ALIAS_INTERVAL.c.alias,
        ALIAS_INTERVAL.c.version_id,
        ALIAS_INTERVAL.c.from_time_us,
        ALIAS_INTERVAL.c.to_time_us,
        ALIAS_INTERVAL.c.actor,
    )
    .where(
        ALIAS_INTERVAL.c.collection_id == bindparam("in_collection"),
        ALIAS_INTERVAL.c.alias == bindparam("alias"),
    )
    .order_by(ALIAS_INTERVAL.c.from_time_us)
)


@cache
def _point(dialect: str) -> sqlite.Insert | postgresql.Insert:
    statement = insert(dialect, ALIAS)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=ALIAS.primary_key.columns,
        set_={"version_id": new.version_id, "updated_at_us": new.updated_at_us},
    ).execution_options(**PUT_OFF)


class SqlAliases:
    """Rows of aliases, in one transaction. I7 is the table's key."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def point(
        self, collection_id: int, alias: str, version_id: int, *, now_us: int
    ) -> int | None:
        before = await self.point_all(collection_id, (alias,), version_id, now_us=now_us)
        return before[alias].version_id if before else None

    async def point_all(
        self, collection_id: int, aliases: Sequence[str], version_id: int, *, now_us: int
    ) -> dict[str, AliasTarget]:
        given: dict[str, Value] = {"in_collection": collection_id, **given_names(aliases)}
        rows = await fetch(self._connection, _TARGETS, given)
        before = {name: AliasTarget(*target) for name, *target in rows}
        moved = [
            {
                "collection_id": collection_id,
                "name": alias,
                "version_id": version_id,
                "updated_at_us": now_us,
            }
            for alias in aliases
            if alias not in before or before[alias].version_id != version_id
        ]
        if moved:
            await self._connection.execute(_point(self._connection.dialect.name), moved)
        return before

    async def remove(self, collection_id: int, alias: str) -> int | None:
        removed = await self._connection.execute(
            _REMOVE, {"in_collection": collection_id, "alias": alias}
        )
        version_id: int | None = removed.scalar()
        return version_id

    async def of_collection(self, collection_id: int) -> dict[str, int]:
        rows = await self._connection.execute(_OF_COLLECTION, {"in_collection": collection_id})
        return dict(rows.all())

    async def named(self, version_ids: Collection[int]) -> set[int]:
        found: set[int] = set()
        for some in batches(version_ids):
            named = select(ALIAS.c.version_id).distinct().where(*_given_to(some))
            found.update((await self._connection.execute(named)).scalars())
        return found

    async def of_versions(
        self, version_ids: Collection[int], *, limit: int
    ) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for some in batches(sorted(version_ids)):
            names = select(ALIAS.c.version_id, ALIAS.c.name).where(*_given_to(some))
            rows = await self._connection.execute(
                names.order_by(ALIAS.c.version_id, ALIAS.c.name).limit(limit - len(found))
            )
            found += [(version_id, name) for version_id, name in rows]
            if len(found) == limit:
                break
        return found

    async def intervals(self, collection_id: int, alias: str) -> list[AliasInterval]:
        rows = await self._connection.execute(
            _INTERVALS, {"in_collection": collection_id, "alias": alias}
        )
        return [AliasInterval(**row) for row in rows.mappings()]


def _given_to(version_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for aliases of these versions that somebody gave."""
    return ALIAS.c.version_id.in_(version_ids), ALIAS.c.name != LATEST
