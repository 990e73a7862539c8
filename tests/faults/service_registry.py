"""Performs operations on registries by calling the services."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.roles import Role
from hydria_server.services.alias_history import AliasHistory
from hydria_server.services.aliases import AnyVersion
from hydria_server.services.links import Links
from hydria_server.services.protection import ProtectionChange, Protections
from hydria_server.services.registries import Registries
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore
from tests.faults.changes import ANY
from tests.faults.contents import REGISTRIES
from tests.faults.operations import DONE
from tests.faults.places import place_of, ref_of
from tests.faults.registry_changes import (
    CreateRegistry,
    DeleteRegistry,
    Link,
    Protect,
    RegistryOperation,
    Rollback,
    Unlink,
)
from tests.faults.stub_client import ENTITY

ACTOR = "tester"


def collection_of(name: str) -> CollectionName:
    """Return the full name of a collection or registered model."""
    return CollectionName(ENTITY, *place_of(name))


@dataclass(frozen=True, slots=True)
class ServiceRegistry:
    """The services of registries, of one server."""

    links: Links
    registries: Registries
    protections: Protections
    history: AliasHistory

    @classmethod
    def on(cls, metadata: MetadataStore, clock: Clock) -> ServiceRegistry:
        """Wire them."""
        return cls(
            Links(metadata, clock),
            Registries(metadata, clock),
            Protections(metadata, clock),
            AliasHistory(metadata, clock),
        )

    async def perform(self, operation: RegistryOperation) -> str:
        """Return the outcome of an operation; the services raise refusals."""
        match operation:
            case Link(source, selector, name, aliases):
                linked = await self.links.link(
                    ref_of(source, selector),
                    collection_of(name),
                    aliases=aliases,
                    actor=ACTOR,
                    role=Role.ADMIN,
                )
                return f"v{linked.version.number} {'made' if linked.created else 'found'}"
            case Unlink(name, number, with_aliases):
                await self.links.unlink(
                    ref_of(name, number), delete_aliases=with_aliases, etag="", actor=ACTOR
                )
            case Rollback(name, alias, expected):
                await self.history.roll_back(
                    collection_of(name),
                    alias,
                    expected=AnyVersion() if expected == ANY else expected,
                    actor=ACTOR,
                    role=Role.ADMIN,
                )
            case _:
                await self._rule(operation)
        return DONE

    async def _rule(self, operation: Protect | CreateRegistry | DeleteRegistry) -> None:
        match operation:
            case Protect(name, alias, is_on):
                is_registry = name in REGISTRIES
                target = CollectionName(ENTITY, name, "") if is_registry else collection_of(name)
                change = ProtectionChange(*(((alias,), ()) if is_on else ((), (alias,))))
                await self.protections.change(target, change, actor=ACTOR, role=Role.ADMIN)
            case CreateRegistry(name):
                await self.registries.create(ENTITY, name, description="", types=(), actor=ACTOR)
            case DeleteRegistry(name, force):
                await self.registries.delete(ENTITY, name, force=force, etag="", actor=ACTOR)

    async def look(self) -> frozenset[str]:
        """Return which registries there are."""
        found = set(REGISTRIES[:1])  # it comes with its entity, which need not be there yet
        for name in REGISTRIES[1:]:
            try:
                found.add((await self.registries.get(ENTITY, name)).name)
            except NotFoundError:
                continue
        return frozenset(found)
