"""Registered models: collections of a registry, made by hand or by their first link."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.documents import require_description
from hydria_server.domain.errors import AlreadyExistsError, NotFoundError, TypeMismatchError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.kinds import CollectionKind, ProjectKind
from hydria_server.domain.names import require_name, require_registry_name, require_tags
from hydria_server.domain.records import CollectionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.registries import RegistryRecord
from hydria_server.services.history import History
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


class RegisteredModels:
    """Makes registered models. What exists is read and changed as any collection."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def create(
        self, name: CollectionName, type_: str, *, description: str, tags: Sequence[str], actor: str
    ) -> CollectionRecord:
        """Make a registered model that nothing is linked to yet.

        Raises:
            NameInvalidError, FieldViolationError: the request is malformed.
            NotFoundError: there is no such registry.
            AlreadyExistsError: it has a registered model of that name.
            TypeMismatchError: it does not allow the type.
        """
        name = require_model_name(name)
        require_name(type_, field="type")
        require_description(description, field="description")
        kept_tags = require_tags(tags, field="tags")

        async def apply(rows: Rows) -> CollectionRecord:
            now = self._clock()
            await rows.names.ensure_entity(name.entity, now_us=now)
            registry = await require_registry(rows, name.entity, name.project)
            if await find_model(rows, registry, name.collection) is not None:
                raise AlreadyExistsError(f"there is a registered model {name} already")
            history = History()
            model = await make_model(rows, registry, name.collection, type_, history, now_us=now)
            if description or kept_tags:
                await rows.names.update_collection(
                    model.id, description=description, tags=kept_tags, now_us=now
                )
            await history.record(rows, model.entity_id, actor=actor, now_us=now)
            return await rows.names.collection_by_id(model.id)

        return await self._metadata.write(apply)


def require_model_name(name: CollectionName) -> CollectionName:
    """Return the name of a registered model, under which it is kept.

    Raises:
        NameInvalidError: a part of it breaks the rules, or it names no registry.
    """
    return CollectionName(
        require_name(name.entity, field="entity"),
        require_registry_name(name.project, field="registry"),
        require_name(name.collection, field="collection"),
    )


async def require_registry(rows: Rows, entity: str, registry: str) -> RegistryRecord:
    """Return the registry of that name, now or once.

    Raises:
        NotFoundError: there is none.
    """
    project = await rows.names.project(entity, registry)
    if project is None or project.kind is not ProjectKind.REGISTRY:
        raise NotFoundError(f"there is no registry {entity}/{registry}; make it first")
    return await rows.registries.by_id(project.id)


async def find_model(rows: Rows, registry: RegistryRecord, name: str) -> CollectionRecord | None:
    """Return the registered model that has the name now."""
    return await rows.names.collection(registry.entity, registry.name, name, follow=False)


async def make_model(
    rows: Rows, registry: RegistryRecord, name: str, type_: str, history: History, *, now_us: int
) -> CollectionRecord:
    """Make a registered model.

    Raises:
        TypeMismatchError: the registry does not allow the type.
    """
    require_allowed(registry, type_)
    model_id = await rows.names.create_collection(
        registry.id, name, type_, now_us=now_us, kind=CollectionKind.PORTFOLIO
    )
    model = await rows.names.collection_by_id(model_id)
    history.add_collection(EventType.COLLECTION_CREATED, model, {"type": type_})
    return model


def require_allowed(registry: RegistryRecord, type_: str) -> None:
    """Return when the registry takes things of that type.

    Raises:
        TypeMismatchError: it is restricted to others.
    """
    if registry.types and type_ not in registry.types:
        allowed = ", ".join(registry.types)
        raise TypeMismatchError(
            f"{registry.name} takes {allowed[:200]} only, not {type_!r}",
            details={"actual": type_, "allowed": allowed},
        )
