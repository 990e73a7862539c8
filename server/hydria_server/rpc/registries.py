"""The calls on registries, and the one that makes a registered model."""

from __future__ import annotations

from hydria.v1 import registry_pb2
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.registries import RegistryRecord
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.services.etags import format_etag
from hydria_server.services.registries import RegistryChange

_WORDS = ("name", "description", "types")


class RegistriesRpcs(RegistryRpcs):
    """Make, get, list, update and delete."""

    async def CreateRegistry(
        self, request: registry_pb2.CreateRegistryRequest, context: Context
    ) -> registry_pb2.CreateRegistryResponse:
        registry = await self.services.registries.create(
            request.entity,
            request.registry,
            description=request.description,
            types=request.types,
            actor=self.actor(context),
        )
        return registry_pb2.CreateRegistryResponse(registry=registry_message(registry))

    async def GetRegistry(
        self, request: registry_pb2.GetRegistryRequest, context: Context
    ) -> registry_pb2.GetRegistryResponse:
        registry = await self.services.registries.get(request.entity, request.registry)
        return registry_pb2.GetRegistryResponse(registry=registry_message(registry))

    async def ListRegistries(
        self, request: registry_pb2.ListRegistriesRequest, context: Context
    ) -> registry_pb2.ListRegistriesResponse:
        listed = await self.services.listings.registries(
            request.entity, requests.list_request(request)
        )
        return registry_pb2.ListRegistriesResponse(
            registries=[registry_message(registry) for registry in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def UpdateRegistry(
        self, request: registry_pb2.UpdateRegistryRequest, context: Context
    ) -> registry_pb2.UpdateRegistryResponse:
        paths = requests.mask_paths(request.update_mask, _WORDS)
        change = RegistryChange(
            name=request.name if "name" in paths else None,
            description=request.description if "description" in paths else None,
            types=tuple(request.types) if "types" in paths else None,
        )
        registry = await self.services.registries.update(
            request.entity,
            request.registry,
            change,
            etag=request.etag,
            actor=self.actor(context),
        )
        return registry_pb2.UpdateRegistryResponse(registry=registry_message(registry))

    async def DeleteRegistry(
        self, request: registry_pb2.DeleteRegistryRequest, context: Context
    ) -> registry_pb2.DeleteRegistryResponse:
        count = await self.services.registries.delete(
            request.entity,
            request.registry,
            force=request.force,
            etag=request.etag,
            actor=self.actor(context),
        )
        return registry_pb2.DeleteRegistryResponse(deleted_collection_count=count)

    async def CreateRegisteredModel(
        self, request: registry_pb2.CreateRegisteredModelRequest, context: Context
    ) -> registry_pb2.CreateRegisteredModelResponse:
        model = await self.services.models.create(
            CollectionName(request.entity, request.registry, request.collection),
            request.type,
            description=request.description,
            tags=request.tags,
            actor=self.actor(context),
        )
        return registry_pb2.CreateRegisteredModelResponse(
            collection=messages.collection_message(model)
        )


def registry_message(registry: RegistryRecord) -> registry_pb2.Registry:
    """Return a registry as clients see it."""
    return registry_pb2.Registry(
        entity=registry.entity,
        name=registry.name,
        description=registry.description,
        types=registry.types,
        collection_count=registry.collection_count,
        created_at=messages.timestamp(registry.created_at_us),
        updated_at=messages.timestamp(registry.updated_at_us),
        etag=format_etag(registry.revision),
        protected_aliases=registry.protected_aliases,
    )
