"""The contract of the rows that protect aliases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hydria_server.domain.alias_records import HeldAlias


class ProtectionRows(Protocol):
    """Protected aliases, of one collection or, with None for it, of a whole registry.

    What holds for a collection, its own and its registry's, is in its record.
    """

    async def of(self, project_id: int, collection_id: int | None) -> tuple[str, ...]:
        """Return what the collection itself, or the registry, protects; sorted."""
        ...

    async def add(self, project_id: int, collection_id: int | None, aliases: Sequence[str]) -> None:
        """Protect aliases that are not protected there."""
        ...

    async def remove(
        self, project_id: int, collection_id: int | None, aliases: Sequence[str]
    ) -> None:
        """Protect aliases no longer; those that are not protected there are passed over."""
        ...

    async def held_by_version(self, version_id: int) -> list[HeldAlias]:
        """Return the protected aliases that point to a version or to a live link of it."""
        ...

    async def held_in_collection(self, collection_id: int) -> list[HeldAlias]:
        """Return the protected aliases that point into a collection or to live links of it."""
        ...
