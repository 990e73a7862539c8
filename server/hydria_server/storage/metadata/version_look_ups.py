"""From the names in a ref to a version: one statement, made once and handed over as text."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, bindparam
from sqlalchemy.engine import Dialect

from hydria_server.domain.records import VersionRecord
from hydria_server.storage.metadata.catalog_records import VERSION_RECORDS, version_in
from hydria_server.storage.metadata.direct import bound
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.single_reads import First
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    ENTITY,
    IS_COMMITTED,
    IS_LIVE_COLLECTION,
    IS_LIVE_PROJECT,
    PROJECT,
    VERSION,
)

_GIVEN: Final = ("entity", "project", "collection", "selector")
_NAMED: Final = VERSION_RECORDS.where(
    ENTITY.c.name == bindparam("entity"),
    PROJECT.c.name == bindparam("project"),
    COLLECTION.c.name == bindparam("collection"),
    IS_LIVE_PROJECT,
    IS_LIVE_COLLECTION,
)
_BY_ALIAS: Final = _NAMED.join(ALIAS, ALIAS.c.version_id == VERSION.c.id).where(
    ALIAS.c.collection_id == COLLECTION.c.id, ALIAS.c.name == bindparam("selector")
)
_BY_NUMBER: Final = _NAMED.where(IS_COMMITTED, VERSION.c.number == bindparam("selector"))


class SqlVersionLookUps:
    """Look-ups by whatever executes a statement: in a transaction, or as a read of its own."""

    def __init__(self, first_row: First, dialect: Dialect) -> None:
        self._first_row = first_row
        self._dialect = dialect

    async def resolve_alias(
        self, entity: str, project: str, collection: str, alias: str
    ) -> VersionRecord | None:
        return await self._look_up(_BY_ALIAS, entity, project, collection, alias)

    async def resolve_number(
        self, entity: str, project: str, collection: str, number: int
    ) -> VersionRecord | None:
        return await self._look_up(_BY_NUMBER, entity, project, collection, number)

    async def _look_up(
        self, statement: Select[*tuple[Any, ...]], *names_and_selector: Value
    ) -> VersionRecord | None:
        values = dict(zip(_GIVEN, names_and_selector, strict=True))
        row = await self._first_row(*bound(statement, self._dialect, values))
        return None if row is None else version_in(row)
