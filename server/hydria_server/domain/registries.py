"""Registries: namespaces of an entity that hold links."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """A registry. `types` are those that it is restricted to; none means all."""

    id: int  # of the project that it is
    entity_id: int
    entity: str
    name: str
    description: str
    types: tuple[str, ...]
    revision: int  # grows with every change; the etag
    created_at_us: int
    updated_at_us: int
    collection_count: int = 0
    protected_aliases: tuple[str, ...] = ()
