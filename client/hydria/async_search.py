"""Searches: versions, links, collections and registered models by what they are."""

from __future__ import annotations

from typing import Literal

from hydria import messages
from hydria.async_catalog import AsyncCatalog
from hydria.errors import RefInvalidError
from hydria.pages import PAGE_SIZE, Pages
from hydria.records import Collection, Version
from hydria.refs import CollectionName
from hydria.runtime import Runtime
from hydria.v1 import registry_pb2 as pb
from hydria.v1 import types_pb2

VersionKind = Literal["versions", "links", "both"]
CollectionKind = Literal["collections", "models", "both"]
_KINDS = {
    "versions": types_pb2.COLLECTION_KIND_SEQUENCE,
    "collections": types_pb2.COLLECTION_KIND_SEQUENCE,
    "links": types_pb2.COLLECTION_KIND_PORTFOLIO,
    "models": types_pb2.COLLECTION_KIND_PORTFOLIO,
    "both": types_pb2.COLLECTION_KIND_UNSPECIFIED,
}


class AsyncSearch(AsyncCatalog):
    """The methods of `AsyncClient` that search; `registry.registries` lists registries."""

    _runtime: Runtime

    def search(
        self,
        filter: str = "",
        *,
        within: str = "",
        kind: VersionKind = "versions",
        order_by: str = "",
    ) -> Pages[Version]:
        """Find versions in all projects of an entity, or links in all registries, newest first.

        Args:
            filter: one AIP-160 expression, e.g. `type = model AND metadata.val.accuracy > 0.9`.
            within: `ENTITY[/PROJECT[/NAME]]`; the default entity if it is empty.
            kind: what to find.
            order_by: e.g. `metadata.val.accuracy desc, created_at`.
        """
        scope = self._scope(within)

        async def fetch(token: str) -> tuple[list[Version], str]:
            request = pb.SearchVersionsRequest(
                entity=scope.entity,
                project=scope.project,
                collection=scope.collection,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
                kind=_KINDS[kind],
            )
            connection = self._runtime.connection
            page = await connection.call(connection.registry_stub.SearchVersions, request)
            return [messages.version_of(item) for item in page.versions], page.next_page_token

        return Pages(fetch)

    def search_collections(
        self,
        filter: str = "",
        *,
        within: str = "",
        kind: CollectionKind = "collections",
        order_by: str = "",
    ) -> Pages[Collection]:
        """Find collections in all projects of an entity, or registered models, by name.

        Args:
            filter: e.g. `type = model AND description:"*birds*"`.
            within: `ENTITY[/PROJECT]`; the default entity if it is empty.
            kind: what to find.
            order_by: e.g. `updated_at desc`.
        """
        scope = self._scope(within)
        if scope.collection:
            raise RefInvalidError(f"{within!r} is not ENTITY[/PROJECT]")

        async def fetch(token: str) -> tuple[list[Collection], str]:
            request = pb.SearchCollectionsRequest(
                entity=scope.entity,
                project=scope.project,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
                kind=_KINDS[kind],
            )
            connection = self._runtime.connection
            page = await connection.call(connection.registry_stub.SearchCollections, request)
            return [messages.collection_of(item) for item in page.collections], page.next_page_token

        return Pages(fetch)

    def _scope(self, within: str) -> CollectionName:
        """Return the names in `ENTITY[/PROJECT[/NAME]]`, those that are not there empty."""
        parts = within.split("/") if within else [self.defaults.entity]
        if len(parts) > 3 or not all(parts):
            raise RefInvalidError(f"{within!r} is not ENTITY[/PROJECT[/NAME]]")
        entity, project, collection = [*parts, "", ""][:3]
        return CollectionName(entity=entity, project=project, collection=collection)
