"""The contract of searches: lists of rows of a whole entity."""

from __future__ import annotations

from typing import Protocol

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.records import CollectionRecord, VersionRecord


class SearchRows(Protocol):
    """Searches, as `ListingRows` lists.

    The time that a page takes depends on the rows that meet the condition with the fewest rows,
    where there are few of them, and not on the others.
    """

    async def versions(self, entity_id: int, query: Query) -> Page[VersionRecord]:
        """Find versions and links of an entity.

        Fields: those of `ListingRows.versions`, project (its name), and kind, which compares with
        the names SEQUENCE and PORTFOLIO.
        """
        ...

    async def collections(self, entity_id: int, query: Query) -> Page[CollectionRecord]:
        """Find live collections and registered models of an entity.

        Fields: those of `ListingRows.collections`, project, kind, description.
        """
        ...
