"""Links: versions of portfolios that point to a version of a sequence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import ColumnElement, bindparam, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.links import NewLink
from hydria_server.domain.records import VersionRecord, VersionState
from hydria_server.storage.metadata.catalog_records import VERSION_RECORDS, version_of
from hydria_server.storage.metadata.dialect import batches
from hydria_server.storage.metadata.leaves import SqlLeaves
from hydria_server.storage.metadata.paging import Pager
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    IS_LIVE_LINK,
    ROW_ID,
    VERSION,
    VERSION_TAG,
)
from hydria_server.storage.metadata.version_listings import versions_where
from hydria_server.storage.metadata.versions import SqlVersions

_SOURCE = VERSION.alias("source")
# What a link repeats of its source, so that lists can be filtered and ordered by it.
_REPEATED = ("digest", "file_count", "size_bytes", "revision", "updated_at_us")
_PROJECT_ID = select(COLLECTION.c.project_id).where(COLLECTION.c.id == bindparam("collection_id"))
_INSERT = (
    insert(VERSION)
    .from_select(
        [
            *("collection_id", "project_id", "number", "state", "created_at_us"),
            *("source_version_id", "upload_id", "metadata_bytes", "description", "metadata_json"),
            *_REPEATED,
        ],
        select(
            bindparam("collection_id", type_=ROW_ID),
            _PROJECT_ID.scalar_subquery(),
            bindparam("number", type_=VERSION.c.number.type),
            literal(VersionState.COMMITTED.value),
            bindparam("created_at_us", type_=VERSION.c.created_at_us.type),
            _SOURCE.c.id,
            literal(""),
            literal(0),
            literal(""),
            literal(""),
            *(_SOURCE.c[name] for name in _REPEATED),
        ).where(_SOURCE.c.id == bindparam("source_id")),
    )
    .returning(VERSION.c.id)
)
_INSERT_TAGS = insert(VERSION_TAG).from_select(
    ["version_id", "tag", "collection_id"],
    select(VERSION.c.id, VERSION_TAG.c.tag, VERSION.c.collection_id)
    .select_from(VERSION.join(VERSION_TAG, VERSION_TAG.c.version_id == VERSION.c.source_version_id))
    .where(VERSION.c.id == bindparam("link_id")),
)
_TO_SOURCE = (VERSION.c.source_version_id == bindparam("source_id"), IS_LIVE_LINK)
_OF_SOURCE = select(VERSION.c.id).where(*_TO_SOURCE).order_by(VERSION.c.id)
_IN_COLLECTION = VERSION_RECORDS.where(
    *_TO_SOURCE, VERSION.c.collection_id == bindparam("collection_id")
)
_LINKED = (
    select(VERSION.c.id)
    .join(_SOURCE, _SOURCE.c.id == VERSION.c.source_version_id)
    .where(_SOURCE.c.collection_id == bindparam("collection_id"), IS_LIVE_LINK)
    .order_by(VERSION.c.id)
)


class SqlLinks:
    """Rows of links, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._versions = SqlVersions(connection)

    async def insert(self, link: NewLink) -> VersionRecord:
        made = await self._connection.execute(_INSERT, asdict(link))
        link_id: int = made.scalar_one()
        await self._connection.execute(_INSERT_TAGS, {"link_id": link_id})
        await SqlLeaves(self._connection).copy_to_link(link_id)
        await self._versions.count(link.collection_id, 1)
        return await self._versions.by_id(link_id)

    async def live(self, collection_id: int, source_id: int) -> VersionRecord | None:
        found = await self._connection.execute(
            _IN_COLLECTION, {"collection_id": collection_id, "source_id": source_id}
        )
        row = found.mappings().first()
        return version_of(row) if row else None

    async def ids_of_version(self, source_id: int) -> list[int]:
        found = await self._connection.execute(_OF_SOURCE, {"source_id": source_id})
        return list(found.scalars())

    async def linked(self, version_ids: Collection[int]) -> set[int]:
        found: set[int] = set()
        for some in batches(version_ids):
            linked = select(VERSION.c.source_version_id).distinct().where(*_to_any(some))
            found.update((await self._connection.execute(linked)).scalars())
        return found

    async def of_versions(
        self, version_ids: Collection[int], *, limit: int
    ) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for some in batches(sorted(version_ids)):
            links = select(VERSION.c.source_version_id, VERSION.c.id).where(*_to_any(some))
            rows = await self._connection.execute(
                links.order_by(VERSION.c.source_version_id, VERSION.c.id).limit(limit - len(found))
            )
            found += [(source_id, link_id) for source_id, link_id in rows]
            if len(found) == limit:
                break
        return found

    async def ids_of_collection(self, collection_id: int) -> list[int]:
        found = await self._connection.execute(_LINKED, {"collection_id": collection_id})
        return list(found.scalars())

    async def page(self, source_id: int, query: Query) -> Page[VersionRecord]:
        scope = VERSION.c.source_version_id == source_id
        within = select(VERSION.c.collection_id).where(scope)
        return await Pager(self._connection).page(versions_where(scope, within), query)


def _to_any(source_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return VERSION.c.source_version_id.in_(source_ids), IS_LIVE_LINK
