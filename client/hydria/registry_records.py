"""The values of registries. They are frozen, and know no protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hydria.records import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A namespace of an entity that holds registered models."""

    entity: str
    name: str
    """As in refs: `model-registry` or `registry-R`."""
    description: str
    types: tuple[str, ...]
    """The types that it is restricted to; empty for all."""
    collection_count: int
    """How many registered models it has."""
    created_at: datetime
    updated_at: datetime
    etag: str
    protected_aliases: tuple[str, ...] = ()
    """Aliases that only administrators may move, in all of its registered models."""

    @property
    def path(self) -> str:
        """`ENTITY/REGISTRY`, as refs begin."""
        return f"{self.entity}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResult:
    """What linking a version did."""

    version: Version
    """The link, as a version of the registered model; `source_ref` is what it points to."""
    created: bool
    """False when the registered model had a live link to that version; it is `version`."""
