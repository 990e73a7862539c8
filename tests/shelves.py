"""A shelf: a registered model of a team, and short words for what its clients do with links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import registry_pb2, registry_pb2_grpc, types_pb2
from tests.servers import Server
from tests.teams import Team


def registry_stub(server: Server) -> registry_pb2_grpc.RegistryServiceAsyncStub:
    """Return a stub for the registry service of a server."""
    return registry_pb2_grpc.RegistryServiceStub(server.channel)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Calls for one registered model. `team` reads it as it reads any collection."""

    team: Team

    @classmethod
    def of(
        cls, team: Team, collection: str = "Bird Calls", *, registry: str = "model-registry"
    ) -> Shelf:
        """Return a registered model of the team's entity."""
        return cls(replace(team, project=registry, collection=collection))

    @property
    def stub(self) -> registry_pb2_grpc.RegistryServiceAsyncStub:
        return registry_stub(self.team.server)

    def ref(self, suffix: str = "") -> str:
        """Return the full ref of the registered model, with `suffix` (`:v0`)."""
        return self.team.ref(suffix)

    async def ask_link(
        self, source: str, *, aliases: Sequence[str] = ()
    ) -> registry_pb2.LinkVersionResponse:
        """Link a version; return the answer."""
        return await self.stub.LinkVersion(
            registry_pb2.LinkVersionRequest(
                source_ref=source,
                entity=self.team.name,
                registry=self.team.project,
                collection=self.team.collection,
                aliases=aliases,
            )
        )

    async def link(self, source: str, *, aliases: Sequence[str] = ()) -> types_pb2.Version:
        """Link a version; return the link."""
        return (await self.ask_link(source, aliases=aliases)).version

    async def unlink(
        self, suffix: str = "", *, delete_aliases: bool = False, etag: str = ""
    ) -> types_pb2.Version:
        """Take a link away."""
        request = registry_pb2.UnlinkVersionRequest(
            ref=self.ref(suffix), delete_aliases=delete_aliases, etag=etag
        )
        return (await self.stub.UnlinkVersion(request)).version

    async def model(self) -> types_pb2.Collection:
        """Return the registered model."""
        request = pb.GetCollectionRequest(
            entity=self.team.name, project=self.team.project, collection=self.team.collection
        )
        return (await self.team.stub.GetCollection(request)).collection

    async def create(self, type_: str = "model") -> types_pb2.Collection:
        """Make the registered model."""
        request = registry_pb2.CreateRegisteredModelRequest(
            entity=self.team.name,
            registry=self.team.project,
            collection=self.team.collection,
            type=type_,
            description="# A card",
            tags=["audio"],
        )
        return (await self.stub.CreateRegisteredModel(request)).collection


async def links_of(team: Team, ref: str, **words: str) -> list[types_pb2.Version]:
    """Return the links of a source, page by page."""
    links: list[types_pb2.Version] = []
    token = ""
    while True:
        request = registry_pb2.ListLinksRequest(ref=ref, page_size=2, page_token=token, **words)
        page = await registry_stub(team.server).ListLinks(request)
        links += page.versions
        token = page.next_page_token
        if not token:
            return links


async def create_registry(
    team: Team, name: str, *, types: Sequence[str] = (), description: str = ""
) -> registry_pb2.Registry:
    """Make a registry of the team's entity."""
    request = registry_pb2.CreateRegistryRequest(
        entity=team.name, registry=name, types=types, description=description
    )
    return (await registry_stub(team.server).CreateRegistry(request)).registry
