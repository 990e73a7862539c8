"""Lists, filtered, ordered and paged."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Integer, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.kinds import ProjectKind
from hydria_server.domain.records import (
    CollectionRecord,
    ProjectRecord,
    TypeRecord,
    VersionRecord,
)
from hydria_server.storage.metadata.catalog_records import PROJECT_RECORDS, project_of
from hydria_server.storage.metadata.collection_listings import collections_of
from hydria_server.storage.metadata.fields import NumberField, TextField
from hydria_server.storage.metadata.paging import Listing, Pager
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    IS_LIVE_COLLECTION,
    IS_LIVE_PROJECT,
    PROJECT,
)
from hydria_server.storage.metadata.version_listings import versions_of

T = TypeVar("T")


class SqlListings:
    """Lists, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def versions(
        self, project_id: int, collection_id: int | None, query: Query
    ) -> Page[VersionRecord]:
        return await self.page(versions_of(project_id, collection_id), query)

    async def collections(self, project_id: int, query: Query) -> Page[CollectionRecord]:
        return await self.page(collections_of(project_id), query)

    async def projects(self, entity_id: int, query: Query) -> Page[ProjectRecord]:
        return await self.page(_projects(entity_id), query)

    async def types(self, project_id: int, query: Query) -> Page[TypeRecord]:
        return await self.page(_types(project_id), query)

    async def page(self, listing: Listing[T], query: Query) -> Page[T]:
        """Return a page of whatever can be listed."""
        return await Pager(self._connection).page(listing, query)


def _projects(entity_id: int) -> Listing[ProjectRecord]:
    return Listing(
        rows=select(PROJECT.c.id).where(
            PROJECT.c.entity_id == entity_id,
            IS_LIVE_PROJECT,
            PROJECT.c.kind == ProjectKind.PROJECT.value,
        ),
        row_id=PROJECT.c.id,
        text_bytes=literal_column("0", Integer),
        fields={
            "name": TextField(PROJECT.c.name),
            "created_at": NumberField(PROJECT.c.created_at_us),
        },
        records=PROJECT_RECORDS,
        record_of=project_of,
    )


def _types(project_id: int) -> Listing[TypeRecord]:
    """A type has no id, and its name is unique."""
    used = (
        select(
            COLLECTION.c.type.label("name"),
            func.count().label("collection_count"),
            func.min(COLLECTION.c.created_at_us).label("created_at_us"),
        )
        .where(COLLECTION.c.project_id == project_id, IS_LIVE_COLLECTION)
        .group_by(COLLECTION.c.type)
        .subquery("used")
    )
    return Listing(
        rows=select(used.c.name),
        row_id=used.c.name,
        text_bytes=literal_column("0", Integer),
        fields={
            "name": TextField(used.c.name),
            "created_at": NumberField(used.c.created_at_us),
        },
        records=select(used.c.name, used.c.collection_count, used.c.created_at_us),
        record_of=lambda row: TypeRecord(**row),
    )
