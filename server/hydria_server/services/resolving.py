"""From a ref to the version it names."""

from __future__ import annotations

from hydria_server.domain.digest import format_digest
from hydria_server.domain.errors import (
    AliasNotFoundError,
    NotFoundError,
    TypeMismatchError,
    VersionDeletedError,
)
from hydria_server.domain.records import CollectionRecord, VersionRecord, VersionState
from hydria_server.domain.refs import (
    ByAlias,
    ByDigest,
    ByNumber,
    CollectionName,
    VersionRef,
    parse_ref,
)
from hydria_server.storage.metadata.interface import MetadataStore, Rows, VersionLookUps


async def look_up(metadata: MetadataStore, text: str, *, field: str = "ref") -> VersionRecord:
    """Return the live version that a full ref names, as `resolve` does in a read of its own."""
    ref = parse_ref(text, field=field)
    found = await _at_once(metadata.look_ups, ref)
    if found is not None:
        return found
    return await metadata.read(lambda rows: _look_closer(rows, ref))


async def resolve(rows: Rows, text: str, *, field: str = "ref") -> VersionRecord:
    """Return the live version that a full ref names.

    Raises:
        FieldViolationError, NameInvalidError: the ref is malformed.
        NotFoundError, AliasNotFoundError, VersionDeletedError: it names nothing.
    """
    ref = parse_ref(text, field=field)
    found = await _at_once(rows.versions, ref)
    return found if found is not None else await _look_closer(rows, ref)


async def _at_once(look_ups: VersionLookUps, ref: VersionRef) -> VersionRecord | None:
    name = ref.name
    match ref.selector:
        case ByAlias(alias):
            return await look_ups.resolve_alias(name.entity, name.project, name.collection, alias)
        case ByNumber(number):
            return await look_ups.resolve_number(name.entity, name.project, name.collection, number)
        case ByDigest():
            return None


async def _look_closer(rows: Rows, ref: VersionRef) -> VersionRecord:
    return await _select(rows, await require_collection(rows, ref.name), ref)


async def _select(rows: Rows, collection: CollectionRecord, ref: VersionRef) -> VersionRecord:
    match ref.selector:
        case ByAlias(alias):
            version = await rows.versions.by_alias(collection.id, alias)
            missing: NotFoundError = AliasNotFoundError(
                f"{ref.name} has no alias {alias!r}", details={"alias": alias}
            )
        case ByNumber(number):
            version = await rows.versions.by_number(collection.id, number)
            missing = NotFoundError(f"{ref.name} has no version v{number}")
        case ByDigest(digest):
            version = await rows.versions.by_digest(collection.id, digest)
            missing = NotFoundError(f"{ref.name} has no version with {format_digest(digest)}")
    if version is None:
        raise missing
    if version.state is VersionState.DELETED:
        raise VersionDeletedError(f"{version.ref} was deleted")
    return version


async def content_of(rows: Rows, version: VersionRecord) -> VersionRecord:
    """Return the version itself, or the source of a link: whatever has the content."""
    return version if version.source is None else await rows.versions.by_id(version.content_id)


async def require_collection(rows: Rows, name: CollectionName) -> CollectionRecord:
    """Return the live collection of that name, now or once.

    Raises:
        NotFoundError: there is none.
    """
    found = await rows.names.collection(name.entity, name.project, name.collection)
    if found is None:
        raise NotFoundError(f"there is no collection {name}")
    return found


def require_type(version: VersionRecord, type_: str) -> VersionRecord:
    """Return `version` if it has that type, or none is asked for.

    Raises:
        TypeMismatchError: it has another.
    """
    if type_ and version.type != type_:
        raise TypeMismatchError(
            f"{version.ref} has type {version.type!r}, not {type_!r}",
            details={"actual": version.type},
        )
    return version
