"""Aliases: atomic compare-and-set over several of one collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.errors import (
    AliasConflictError,
    FieldViolationError,
    NotFoundError,
    VersionDeletedError,
)
from hydria_server.domain.names import MAX_ALIASES, require_alias
from hydria_server.domain.records import CollectionRecord, VersionRecord, VersionState
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.roles import Role
from hydria_server.services.history import History
from hydria_server.services.protection import require_movable
from hydria_server.services.resolving import require_collection
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class AnyVersion:
    """No expectation."""


@dataclass(frozen=True, slots=True)
class AliasOperation:
    """One change: to `version`, or removal for None, if the alias is where it is expected.

    `expected` is a version number, None for "it does not exist", or AnyVersion().
    """

    alias: str
    version: int | None
    expected: int | AnyVersion | None = AnyVersion()


@dataclass(frozen=True, slots=True)
class AliasChange:
    """Where an alias points, and where it pointed before; None is nowhere."""

    alias: str
    version: int | None
    previous: int | None


class Aliases:
    """Moves aliases: all of the operations, or none (I7)."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def update(
        self, name: CollectionName, operations: Sequence[AliasOperation], *, actor: str, role: Role
    ) -> list[AliasChange]:
        """Apply the operations in one transaction; return one change for each.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: an operation is malformed.
            NotFoundError, VersionDeletedError: the collection or a version does not exist.
            AliasProtectedError: an alias is protected, and the role is not ADMIN.
            AliasConflictError: an alias is not where it was expected.
        """
        _check(operations)

        async def apply(rows: Rows) -> list[AliasChange]:
            collection = await require_collection(rows, name)
            require_movable(collection, [operation.alias for operation in operations], role)
            now = self._clock()
            history = History()
            changes = [
                await self._apply(rows, collection, operation, history, now)
                for operation in operations
            ]
            await history.record(rows, collection.entity_id, actor=actor, now_us=now)
            return changes

        return await self._metadata.write(apply)

    async def _apply(
        self,
        rows: Rows,
        collection: CollectionRecord,
        operation: AliasOperation,
        history: History,
        now_us: int,
    ) -> AliasChange:
        holder = await rows.versions.by_alias(collection.id, operation.alias)
        previous = holder.number if holder else None
        require_expected(operation, previous)
        if operation.version is None:
            await history.remove_alias(rows, collection.id, operation.alias)
        else:
            version = await _require_version(rows, collection, operation.version)
            await history.point_alias(rows, version, operation.alias, now_us=now_us)
        return AliasChange(operation.alias, operation.version, previous)


async def _require_version(rows: Rows, collection: CollectionRecord, number: int) -> VersionRecord:
    version = await rows.versions.by_number(collection.id, number)
    if version is None:
        raise NotFoundError(f"{collection.name!r} has no version v{number}")
    if version.state is VersionState.DELETED:
        raise VersionDeletedError(f"{version.ref} was deleted")
    return version


def require_expected(operation: AliasOperation, actual: int | None) -> None:
    """Return when the alias of an operation is where that expects it.

    Raises:
        AliasConflictError: it is elsewhere.
    """
    if isinstance(operation.expected, AnyVersion) or operation.expected == actual:
        return
    shown = "" if actual is None else f"v{actual}"
    raise AliasConflictError(
        f"alias {operation.alias!r} points to {shown or 'nothing'} by now; read it again",
        details={"alias": operation.alias, "actual": shown},
    )


def _check(operations: Sequence[AliasOperation]) -> None:
    if not 1 <= len(operations) <= MAX_ALIASES:
        raise FieldViolationError("operations", f"there must be 1 to {MAX_ALIASES} of them")
    names = [operation.alias for operation in operations]
    for alias in names:
        require_alias(alias, field="alias", latest_allowed=False)
    if len(set(names)) < len(names):
        raise FieldViolationError("operations", "one alias is named twice")
