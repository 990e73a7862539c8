"""The calls that search."""

from __future__ import annotations

from hydria.v1 import registry_pb2, types_pb2
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.kinds import CollectionKind
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.services.search import SearchScope

_KINDS = {
    types_pb2.COLLECTION_KIND_UNSPECIFIED: None,
    types_pb2.COLLECTION_KIND_SEQUENCE: CollectionKind.SEQUENCE,
    types_pb2.COLLECTION_KIND_PORTFOLIO: CollectionKind.PORTFOLIO,
}


class SearchRpcs(RegistryRpcs):
    """SearchVersions, SearchCollections."""

    async def SearchVersions(
        self, request: registry_pb2.SearchVersionsRequest, context: Context
    ) -> registry_pb2.SearchVersionsResponse:
        scope = SearchScope(
            request.entity, request.project, request.collection, _kind(request.kind)
        )
        listed = await self.services.search.versions(scope, requests.list_request(request))
        return registry_pb2.SearchVersionsResponse(
            versions=[messages.version_message(version) for version in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def SearchCollections(
        self, request: registry_pb2.SearchCollectionsRequest, context: Context
    ) -> registry_pb2.SearchCollectionsResponse:
        scope = SearchScope(request.entity, request.project, kind=_kind(request.kind))
        listed = await self.services.search.collections(scope, requests.list_request(request))
        return registry_pb2.SearchCollectionsResponse(
            collections=[messages.collection_message(each) for each in listed.items],
            next_page_token=listed.next_page_token,
        )


def _kind(kind: types_pb2.CollectionKind.ValueType) -> CollectionKind | None:
    if kind not in _KINDS:
        raise FieldViolationError("kind", "it is none that this server knows")
    return _KINDS[kind]
