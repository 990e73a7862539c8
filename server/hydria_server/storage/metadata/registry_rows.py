"""The contract of the rows of registries, and of links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.links import NewLink
from hydria_server.domain.records import VersionRecord
from hydria_server.domain.registries import RegistryRecord


class RegistryRows(Protocol):
    """Registries. Each is a project: `NameRows.project` finds it, also by a name it once had."""

    async def by_id(self, project_id: int) -> RegistryRecord:
        """Return the registry, live or deleted, with its number of live collections.

        Raises:
            NotFoundError: there is no such id, or it is a project.
        """
        ...

    async def create(
        self, entity_id: int, name: str, *, description: str, types: Sequence[str], now_us: int
    ) -> int:
        """Make a registry; return its id. A redirect from that name ends.

        Raises:
            AlreadyExistsError: a live project or registry of the entity has that name.
        """
        ...

    async def rename(self, project_id: int, name: str, *, now_us: int) -> None:
        """Give the registry a new name; the old one redirects to it. Its revision grows.

        Raises:
            AlreadyExistsError: a live project or registry of the entity has that name.
        """
        ...

    async def update(
        self,
        project_id: int,
        *,
        description: str | None,
        types: Sequence[str] | None,
        now_us: int,
    ) -> None:
        """Replace what is not None. Its revision grows."""
        ...

    async def delete(self, project_id: int, *, now_us: int) -> None:
        """Take the registry out of sight, with its redirects. Its name is free at once."""
        ...

    async def types_in_use(self, project_id: int) -> set[str]:
        """Return the types of its live collections."""
        ...

    async def collection_ids(self, project_id: int) -> list[int]:
        """Return the ids of its live collections."""
        ...

    async def page(self, entity_id: int, query: Query) -> Page[RegistryRecord]:
        """List an entity's registries, as `ListingRows` lists.

        Fields: name, type (one that it is restricted to), created_at, updated_at.
        """
        ...


class LinkRows(Protocol):
    """Links: versions of portfolios. `VersionRows` reads them as it reads versions."""

    async def insert(self, link: NewLink) -> VersionRecord:
        """Insert a COMMITTED link to a version."""
        ...

    async def live(self, collection_id: int, source_id: int) -> VersionRecord | None:
        """Return the live link of that collection to the version."""
        ...

    async def ids_of_version(self, source_id: int) -> list[int]:
        """Return the ids of all live links to the version, the oldest first."""
        ...

    async def linked(self, version_ids: Collection[int]) -> set[int]:
        """Return those of the versions that have a live link."""
        ...

    async def of_versions(
        self, version_ids: Collection[int], *, limit: int
    ) -> list[tuple[int, int]]:
        """Return live links as ids, each after that of its version, by both of them."""
        ...

    async def ids_of_collection(self, collection_id: int) -> list[int]:
        """Return the ids of all live links to versions of a collection, the oldest first."""
        ...

    async def page(self, source_id: int, query: Query) -> Page[VersionRecord]:
        """List the links to a version, by the fields of `ListingRows.versions`."""
        ...
