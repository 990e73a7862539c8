"""Protected aliases: only administrators move them, and nobody deletes what they point to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hydria_server.domain.alias_errors import AliasProtectedError
from hydria_server.domain.alias_records import HeldAlias
from hydria_server.domain.errors import FieldViolationError, ResourceInUseError
from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.names import MAX_ALIASES, require_alias, require_name
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.registries import RegistryRecord
from hydria_server.domain.roles import Role
from hydria_server.services.history import History
from hydria_server.services.registered_models import require_registry
from hydria_server.services.resolving import require_collection
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

_SHOWN = 20
_DETAIL_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class ProtectionChange:
    """Aliases to protect, and others to protect no longer."""

    protect: Sequence[str] = ()
    unprotect: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a rule holds: one collection, or all of a registry."""

    entity_id: int
    project_id: int
    collection: CollectionRecord | None
    registry: RegistryRecord | None

    @property
    def collection_id(self) -> int | None:
        return self.collection.id if self.collection else None


class Protections:
    """Says which aliases are protected."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def change(
        self, name: CollectionName, change: ProtectionChange, *, actor: str, role: Role
    ) -> tuple[str, ...]:
        """Protect aliases of a collection, or of all of a registry where none is named.

        Return what that collection or registry protects then, sorted.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: the request is malformed.
            NotFoundError: there is no such collection or registry.
            AliasProtectedError: the role may not.
        """
        _check(change)
        require_name(name.entity, field="entity")
        require_name(name.project, field="project")
        if name.collection:
            require_name(name.collection, field="collection")

        async def apply(rows: Rows) -> tuple[str, ...]:
            scope = await _scope(rows, name, now_us=self._clock())
            _require_admin(role, [*change.protect, *change.unprotect], "say what is protected")
            before = await rows.protections.of(scope.project_id, scope.collection_id)
            after = tuple(sorted((set(before) | set(change.protect)) - set(change.unprotect)))
            if len(after) > MAX_ALIASES:
                raise FieldViolationError("protect", f"{len(after)} are more than {MAX_ALIASES}")
            if after != before:
                now, history = self._clock(), History()
                await _write(rows, scope, change, now)
                _note(scope, history, {"old_protected": [*before], "new_protected": [*after]})
                await history.record(rows, scope.entity_id, actor=actor, now_us=now)
            return after

        return await self._metadata.write(apply)


def _check(change: ProtectionChange) -> None:
    both = {"protect": change.protect, "unprotect": change.unprotect}
    for field, aliases in both.items():
        if len(aliases) > MAX_ALIASES:
            raise FieldViolationError(field, f"{len(aliases)} are more than {MAX_ALIASES}")
        for alias in aliases:
            require_alias(alias, field=field, latest_allowed=False)
    if not change.protect and not change.unprotect:
        raise FieldViolationError("protect", "no alias is named")
    twice = sorted(set(change.protect) & set(change.unprotect))
    if twice:
        raise FieldViolationError("unprotect", f"{twice[0]!r} is to be protected as well")


async def _scope(rows: Rows, name: CollectionName, *, now_us: int) -> _Scope:
    if name.collection:
        collection = await require_collection(rows, name)
        return _Scope(collection.entity_id, collection.project_id, collection, None)
    # It has a registry as soon as it is used: rules may come before the first version.
    await rows.names.ensure_entity(name.entity, now_us=now_us)
    registry = await require_registry(rows, name.entity, name.project)
    return _Scope(registry.entity_id, registry.id, None, registry)


async def _write(rows: Rows, scope: _Scope, change: ProtectionChange, now_us: int) -> None:
    """Write the rule, and count it as a change of the collection or registry: its etag is new."""
    place = scope.project_id, scope.collection_id
    await rows.protections.add(*place, change.protect)
    await rows.protections.remove(*place, change.unprotect)
    if scope.collection:
        await rows.names.update_collection(
            scope.collection.id, description=None, tags=None, now_us=now_us
        )
    else:
        await rows.registries.update(scope.project_id, description=None, types=None, now_us=now_us)


def _note(scope: _Scope, history: History, data: dict[str, Json]) -> None:
    if scope.collection:
        history.add_collection(EventType.PROTECTION_CHANGED, scope.collection, data)
    elif scope.registry:
        history.add_registry(EventType.PROTECTION_CHANGED, scope.registry, data)


def require_movable(collection: CollectionRecord, aliases: Collection[str], role: Role) -> None:
    """Return when a caller of that role may set or remove the aliases of a collection.

    Raises:
        AliasProtectedError: one of them is protected, and the role is not ADMIN.
    """
    _require_admin(role, sorted(set(aliases) & set(collection.protected_aliases)), "move it")


def _require_admin(role: Role, aliases: Sequence[str], act: str) -> None:
    if aliases and role is not Role.ADMIN:
        raise AliasProtectedError(
            f"{aliases[0]!r} is protected: only administrators may {act}",
            details={"alias": aliases[0]},
        )


async def require_not_held(rows: Rows, version: VersionRecord) -> None:
    """Return when no protected alias points to a version, or to a link of it.

    Raises:
        ResourceInUseError: one does.
    """
    _require_none(version.ref, await rows.protections.held_by_version(version.id))


async def require_none_held(rows: Rows, collection: CollectionRecord) -> None:
    """Return when no protected alias points into a collection, or to links of its versions.

    Raises:
        ResourceInUseError: one does.
    """
    _require_none(collection.name, await rows.protections.held_in_collection(collection.id))


def _require_none(name: str, held: Sequence[HeldAlias]) -> None:
    if held:
        refs = sorted(alias.ref for alias in held)
        raise ResourceInUseError(
            f"{name} is held by the protected alias {refs[0]}; point it elsewhere, or protect it"
            " no longer",
            details={"protected_aliases": ", ".join(refs[:_SHOWN])[:_DETAIL_CHARACTERS]},
        )
