"""Searches, without await."""

from __future__ import annotations

from collections.abc import Iterator

from hydria.async_search import AsyncSearch, CollectionKind, VersionKind
from hydria.records import Collection, Version
from hydria.sync_catalog import SyncCatalog


class SyncSearch(SyncCatalog):
    """The methods of `Client` that search: every one as that of `AsyncClient`."""

    _client: AsyncSearch

    def search(
        self,
        filter: str = "",
        *,
        within: str = "",
        kind: VersionKind = "versions",
        order_by: str = "",
    ) -> Iterator[Version]:
        return self._items(self._client.search(filter, within=within, kind=kind, order_by=order_by))

    def search_collections(
        self,
        filter: str = "",
        *,
        within: str = "",
        kind: CollectionKind = "collections",
        order_by: str = "",
    ) -> Iterator[Collection]:
        return self._items(
            self._client.search_collections(filter, within=within, kind=kind, order_by=order_by)
        )
