"""Registries, registered models and links: `AsyncClient.registry`."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from hydria import messages
from hydria.alias_history import AsyncAliasHistory
from hydria.connection import LONG_CALL_SECONDS, Connection
from hydria.options import TransferOptions
from hydria.pages import PAGE_SIZE, Pages
from hydria.records import Collection, Version
from hydria.refs import Defaults
from hydria.registry_records import LinkResult, Registry
from hydria.retry import Patience
from hydria.v1 import registry_pb2 as pb

MODEL_REGISTRY = "model-registry"


class AsyncRegistry(AsyncAliasHistory):
    """What is handed on, and under which name.

    A registry is `[ENTITY/]REGISTRY`, and REGISTRY is `model-registry`, which every entity has, or
    `registry-R`. A registered model is `[[ENTITY/]REGISTRY/]NAME`; without a registry it is one of
    `model-registry`. What is linked is read by its ref as every version is:
    `client.download("acme/model-registry/Digits:production")`; aliases, words, lists and deletions
    of registered models are those of collections, too.
    """

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        super().__init__(connection, Defaults(entity=defaults.entity, project=MODEL_REGISTRY))
        self._defaults = defaults

    # --- registries -----------------------------------------------------------------------------

    async def create(
        self, registry: str, *, description: str = "", types: Sequence[str] = ()
    ) -> Registry:
        """Make a registry, restricted to `types` unless there are none.

        Raises:
            AlreadyExistsError: there is one of that name.
        """
        entity, name = self._models.project_path(registry)
        request = pb.CreateRegistryRequest(
            entity=entity, registry=name, description=description, types=types
        )
        method = self._connection.registry_stub.CreateRegistry
        return _registry_of((await self._connection.call(method, request)).registry)

    async def get(self, registry: str = "") -> Registry:
        """Return a registry; without a name, `model-registry`."""
        entity, name = self._models.project_path(registry)
        request = pb.GetRegistryRequest(entity=entity, registry=name)
        method = self._connection.registry_stub.GetRegistry
        return _registry_of((await self._connection.call(method, request)).registry)

    def registries(
        self, entity: str = "", *, filter: str = "", order_by: str = ""
    ) -> Pages[Registry]:
        """Return the registries of an entity, by name."""

        async def fetch(token: str) -> tuple[list[Registry], str]:
            request = pb.ListRegistriesRequest(
                entity=entity or self._defaults.entity,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            method = self._connection.registry_stub.ListRegistries
            page = await self._connection.call(method, request)
            return [_registry_of(item) for item in page.registries], page.next_page_token

        return Pages(fetch)

    async def update(
        self,
        registry: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        types: Sequence[str] | None = None,
        etag: str = "",
    ) -> Registry:
        """Rename a registry (`new_name` has no slash), describe it, or restrict it to `types`.

        Raises:
            TypeMismatchError: it has a registered model of a type that would not be allowed.
        """
        entity, name = self._models.project_path(registry)
        given = {"name": new_name, "description": description, "types": types}
        request = pb.UpdateRegistryRequest(
            entity=entity,
            registry=name,
            name=new_name or "",
            description=description or "",
            types=types or (),
            update_mask=FieldMask(paths=[field for field in given if given[field] is not None]),
            etag=etag,
        )
        method = self._connection.registry_stub.UpdateRegistry
        return _registry_of((await self._connection.call(method, request)).registry)

    async def delete(self, registry: str, *, force: bool = False, etag: str = "") -> int:
        """Delete a registry; return how many registered models went with it. Sources stay.

        Raises:
            ResourceInUseError: it has registered models, and `force` is not set.
        """
        entity, name = self._models.project_path(registry)
        request = pb.DeleteRegistryRequest(entity=entity, registry=name, force=force, etag=etag)
        method = self._connection.registry_stub.DeleteRegistry
        response = await self._connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)
        return response.deleted_collection_count

    async def create_model(
        self, model: str, *, type: str, description: str = "", tags: Sequence[str] = ()
    ) -> Collection:
        """Make a registered model before anything is linked to it.

        Raises:
            AlreadyExistsError: there is one of that name.
            TypeMismatchError: the registry does not allow the type.
        """
        name = self._models.collection(model)
        request = pb.CreateRegisteredModelRequest(
            entity=name.entity,
            registry=name.project,
            collection=name.collection,
            type=type,
            description=description,
            tags=tags,
        )
        method = self._connection.registry_stub.CreateRegisteredModel
        return messages.collection_of((await self._connection.call(method, request)).collection)

    # --- links ----------------------------------------------------------------------------------

    async def link(self, ref: str, model: str, *, aliases: Sequence[str] = ()) -> LinkResult:
        """Link a version to a registered model; nothing is copied. Linking twice is fine.

        Args:
            ref: the version, of any entity; that of a link stands for its source.
            model: the registered model; it is made if need be.
            aliases: shall point to the link; `latest` does anyway.

        Raises:
            TypeMismatchError: the model or its registry holds other types.
            NotFoundError: there is no such version, or no such registry.
        """
        name = self._models.collection(model)
        request = pb.LinkVersionRequest(
            source_ref=self._defaults.ref(ref),
            entity=name.entity,
            registry=name.project,
            collection=name.collection,
            aliases=aliases,
        )
        response = await Patience(TransferOptions().retry_seconds).run(
            lambda: self._connection.call(self._connection.registry_stub.LinkVersion, request)
        )
        return LinkResult(version=messages.version_of(response.version), created=response.created)

    async def unlink(self, ref: str, *, delete_aliases: bool = False, etag: str = "") -> Version:
        """Take a link away, and return what is remembered of it. Its source stays.

        Args:
            ref: the link, `[[ENTITY/]REGISTRY/]NAME` with its suffix.
            delete_aliases: take it away although aliases other than `latest` point to it.
            etag: of the link as it was read; empty to take it away in any case.

        Raises:
            ResourceInUseError: aliases hold it.
        """
        request = pb.UnlinkVersionRequest(
            ref=self._models.ref(ref), delete_aliases=delete_aliases, etag=etag
        )
        method = self._connection.registry_stub.UnlinkVersion
        return messages.version_of((await self._connection.call(method, request)).version)

    def links(self, ref: str, *, filter: str = "", order_by: str = "") -> Pages[Version]:
        """Return the links to a version in all registries, the newest first."""
        full = self._defaults.ref(ref)

        async def fetch(token: str) -> tuple[list[Version], str]:
            request = pb.ListLinksRequest(
                ref=full, filter=filter, order_by=order_by, page_size=PAGE_SIZE, page_token=token
            )
            method = self._connection.registry_stub.ListLinks
            page = await self._connection.call(method, request)
            return [messages.version_of(item) for item in page.versions], page.next_page_token

        return Pages(fetch)


def _registry_of(message: pb.Registry) -> Registry:
    return Registry(
        entity=message.entity,
        name=message.name,
        description=message.description,
        types=tuple(message.types),
        collection_count=message.collection_count,
        created_at=messages.time_of(message.created_at),
        updated_at=messages.time_of(message.updated_at),
        etag=message.etag,
        protected_aliases=tuple(message.protected_aliases),
    )
