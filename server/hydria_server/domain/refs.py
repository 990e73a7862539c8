"""Refs: `entity/project/collection` with `:alias`, `:vN`, `@blake3:<hex>` or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.digest import parse_digest
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.names import (
    canonical_project,
    looks_like_version,
    require_name,
    require_version_number,
)
from hydria_server.domain.records import LATEST


@dataclass(frozen=True, slots=True)
class CollectionName:
    """The full name of a collection."""

    entity: str
    project: str
    collection: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}"


@dataclass(frozen=True, slots=True)
class ByAlias:
    """Whatever the alias points to now."""

    alias: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Exactly version `vN`."""

    number: int


@dataclass(frozen=True, slots=True)
class ByDigest:
    """The highest live version with this content."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A parsed ref."""

    name: CollectionName
    selector: ByAlias | ByNumber | ByDigest


def parse_ref(text: str, *, field: str) -> VersionRef:
    """Return the parts of a full ref.

    Raises:
        FieldViolationError: it has another shape.
        NameInvalidError: one of its names breaks the rules.
    """
    path, at, digest = text.partition("@")
    if at:
        return VersionRef(
            _collection_name(path, field), ByDigest(parse_digest(digest, field=field))
        )
    path, colon, suffix = text.partition(":")
    if not colon:
        return VersionRef(_collection_name(path, field), ByAlias(LATEST))
    name = _collection_name(path, field)
    if looks_like_version(suffix):
        return VersionRef(name, ByNumber(require_version_number(suffix, field=field)))
    return VersionRef(name, ByAlias(require_name(suffix, field=field)))


def _collection_name(path: str, field: str) -> CollectionName:
    parts = path.split("/")
    if len(parts) != 3:
        raise FieldViolationError(field, f"{path[:200]!r} is not ENTITY/PROJECT/COLLECTION")
    entity, project, collection = (require_name(part, field=field) for part in parts)
    return CollectionName(entity, canonical_project(project), collection)
