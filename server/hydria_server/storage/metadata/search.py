"""Searches over all projects and registries of an entity."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.storage.metadata.collection_listings import collections_of_entity
from hydria_server.storage.metadata.paging import Pager
from hydria_server.storage.metadata.tables import PROJECT
from hydria_server.storage.metadata.version_listings import versions_of_entity

# Of projects that are read side by side, each in its own order; of more, all rows are sorted.
PARTS_MAX: Final = 50
_PROJECT_IDS = select(PROJECT.c.id).where(PROJECT.c.entity_id == bindparam("of_entity"))


class SqlSearch:
    """Searches, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._pager = Pager(connection)

    async def versions(self, entity_id: int, query: Query) -> Page[VersionRecord]:
        found = await self._connection.execute(_PROJECT_IDS, {"of_entity": entity_id})
        ids = list(found.scalars())
        parts = ids if len(ids) <= PARTS_MAX else []
        return await self._pager.page(versions_of_entity(entity_id, parts), query)

    async def collections(self, entity_id: int, query: Query) -> Page[CollectionRecord]:
        return await self._pager.page(collections_of_entity(entity_id), query)
