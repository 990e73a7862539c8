"""Searches over all projects and registries of an entity."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.storage.metadata.collection_listings import collections_of_entity
from hydria_server.storage.metadata.paging import Pager
from hydria_server.storage.metadata.version_listings import versions_of_entity


class SqlSearch:
    """Searches, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._pager = Pager(connection)

    async def versions(self, entity_id: int, query: Query) -> Page[VersionRecord]:
        return await self._pager.page(versions_of_entity(entity_id), query)

    async def collections(self, entity_id: int, query: Query) -> Page[CollectionRecord]:
        return await self._pager.page(collections_of_entity(entity_id), query)
