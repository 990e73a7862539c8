"""Registries: made, described, renamed, restricted to types, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.documents import require_description
from hydria_server.domain.errors import NameReservedError, ResourceInUseError, TypeMismatchError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.names import (
    MODEL_REGISTRY,
    require_name,
    require_registry_name,
    require_tags,
)
from hydria_server.domain.registries import RegistryRecord
from hydria_server.services.changed_words import changed_names, changed_text
from hydria_server.services.deletions import remove_collection
from hydria_server.services.etags import require_etag
from hydria_server.services.history import History
from hydria_server.services.registered_models import require_registry
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """A new name, description or types; None leaves what is there."""

    name: str | None = None
    description: str | None = None
    types: Sequence[str] | None = None


class Registries:
    """Reads and changes registries. `model-registry` is there by itself, and stays."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def create(
        self, entity: str, name: str, *, description: str, types: Sequence[str], actor: str
    ) -> RegistryRecord:
        """Make a registry.

        Raises:
            NameInvalidError, FieldViolationError: the request is malformed.
            AlreadyExistsError: the name is taken.
        """
        require_name(entity, field="entity")
        kept = require_registry_name(name, field="registry")
        require_description(description, field="description")
        # As many as there can be tags, by the same rules.
        allowed = require_tags(types, field="types")

        async def apply(rows: Rows) -> RegistryRecord:
            now = self._clock()
            owner = await rows.names.ensure_entity(entity, now_us=now)
            project_id = await rows.registries.create(
                owner.id, kept, description=description, types=allowed, now_us=now
            )
            registry, history = await rows.registries.by_id(project_id), History()
            history.add_registry(EventType.REGISTRY_CREATED, registry, {"types": list(allowed)})
            await history.record(rows, owner.id, actor=actor, now_us=now)
            return registry

        return await self._metadata.write(apply)

    async def get(self, entity: str, name: str) -> RegistryRecord:
        """Return the registry of that name, now or once.

        Raises:
            NameInvalidError: it is no registry's name.
            NotFoundError: there is none.
        """
        require_name(entity, field="entity")
        kept = require_registry_name(name, field="registry")
        return await self._metadata.read(lambda rows: require_registry(rows, entity, kept))

    async def update(
        self, entity: str, name: str, change: RegistryChange, *, etag: str, actor: str
    ) -> RegistryRecord:
        """Rename, describe or restrict a registry; return it as it is then.

        Raises:
            NameReservedError: `model-registry` is to be renamed. And as `create` and `get`.
            TypeMismatchError: it has a registered model of a type that would not be allowed.
            EtagMismatchError: it was changed since `etag` was read.
        """
        require_name(entity, field="entity")
        kept = require_registry_name(name, field="registry")
        types = None if change.types is None else require_tags(change.types, field="types")
        if change.description is not None:
            require_description(change.description, field="description")
        new_name = _new_name(kept, change.name)

        async def apply(rows: Rows) -> RegistryRecord:
            registry = await require_registry(rows, entity, kept)
            require_etag(registry.revision, etag)
            now, history = self._clock(), History()
            if new_name not in (None, registry.name):
                await _rename(rows, registry, new_name or "", history, now)
            if change.description is not None or types is not None:
                await _require_types_in_use(rows, registry, types)
                await rows.registries.update(
                    registry.id, description=change.description, types=types, now_us=now
                )
                told = {
                    **changed_text("description", registry.description, change.description),
                    **changed_names("types", registry.types, types),
                }
                history.add_registry(EventType.REGISTRY_UPDATED, registry, told)
            await history.record(rows, registry.entity_id, actor=actor, now_us=now)
            return await rows.registries.by_id(registry.id)

        return await self._metadata.write(apply)

    async def delete(self, entity: str, name: str, *, force: bool, etag: str, actor: str) -> int:
        """Delete a registry; return how many registered models went with it.

        Raises:
            NameReservedError: it is `model-registry`. And as `get`.
            ResourceInUseError: it has registered models, and `force` is not set; or a protected
                alias of them is in use.
            EtagMismatchError: it was changed since `etag` was read.
        """
        require_name(entity, field="entity")
        kept = require_registry_name(name, field="registry")
        if kept == MODEL_REGISTRY:
            raise NameReservedError("registry", "every entity has a model-registry")

        async def apply(rows: Rows) -> int:
            registry = await require_registry(rows, entity, kept)
            require_etag(registry.revision, etag)
            model_ids = await rows.registries.collection_ids(registry.id)
            if model_ids and not force:
                raise ResourceInUseError(
                    f"{registry.name} has {len(model_ids)} registered models; delete them with it"
                    " by force, or first"
                )
            now, history = self._clock(), History()
            for model_id in model_ids:
                model = await rows.names.collection_by_id(model_id)
                await remove_collection(rows, model, history, now_us=now)
            await rows.registries.delete(registry.id, now_us=now)
            history.add_registry(EventType.REGISTRY_DELETED, registry)
            await history.record(rows, registry.entity_id, actor=actor, now_us=now)
            return len(model_ids)

        return await self._metadata.write(apply)


def _new_name(name: str, new: str | None) -> str | None:
    """Return the new name as it will be kept."""
    if new is None:
        return None
    kept = require_registry_name(new, field="name")
    if kept != name and MODEL_REGISTRY in (kept, name):
        raise NameReservedError("name", "model-registry keeps its name, and nothing else gets it")
    return kept


async def _rename(
    rows: Rows, registry: RegistryRecord, name: str, history: History, now_us: int
) -> None:
    await rows.registries.rename(registry.id, name, now_us=now_us)
    history.add_registry(EventType.REGISTRY_RENAMED, registry, {"new_name": name})


async def _require_types_in_use(
    rows: Rows, registry: RegistryRecord, types: Sequence[str] | None
) -> None:
    """Return when every registered model is of one of the types; no types stand for all."""
    if not types:
        return
    others = sorted(await rows.registries.types_in_use(registry.id) - set(types))
    if others:
        raise TypeMismatchError(
            f"{registry.name} has registered models of type {others[0]!r}",
            details={"actual": ", ".join(others)},
        )
