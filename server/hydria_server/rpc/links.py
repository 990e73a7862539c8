"""The calls on links."""

from __future__ import annotations

from hydria.v1 import registry_pb2
from hydria_server.domain.refs import CollectionName
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.family import RegistryRpcs


class LinkRpcs(RegistryRpcs):
    """LinkVersion, UnlinkVersion, ListLinks."""

    async def LinkVersion(
        self, request: registry_pb2.LinkVersionRequest, context: Context
    ) -> registry_pb2.LinkVersionResponse:
        linked = await self.services.links.link(
            request.source_ref,
            CollectionName(request.entity, request.registry, request.collection),
            aliases=request.aliases,
            actor=self.actor(context),
            role=self.role(context),
        )
        note("version", linked.version.ref)
        return registry_pb2.LinkVersionResponse(
            version=messages.version_message(linked.version), created=linked.created
        )

    async def UnlinkVersion(
        self, request: registry_pb2.UnlinkVersionRequest, context: Context
    ) -> registry_pb2.UnlinkVersionResponse:
        link = await self.services.links.unlink(
            request.ref,
            delete_aliases=request.delete_aliases,
            etag=request.etag,
            actor=self.actor(context),
        )
        note("version", link.ref)
        return registry_pb2.UnlinkVersionResponse(version=messages.version_message(link))

    async def ListLinks(
        self, request: registry_pb2.ListLinksRequest, context: Context
    ) -> registry_pb2.ListLinksResponse:
        source = await self.services.links.source(request.ref)
        listed = await self.services.listings.links(source, requests.list_request(request))
        return registry_pb2.ListLinksResponse(
            versions=[messages.version_message(link) for link in listed.items],
            next_page_token=listed.next_page_token,
            source_ref=source.ref,
        )
