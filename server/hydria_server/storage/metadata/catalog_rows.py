"""The contract of the rows that people see: names, versions, aliases, and lists of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.records import (
    AliasInterval,
    AliasTarget,
    CollectionRecord,
    Domain,
    EntityRecord,
    NewVersion,
    ProjectRecord,
    ShardRecord,
    TypeRecord,
    VersionRecord,
)


class NameRows(Protocol):
    """Entities, projects, collections and the redirects that renames leave behind."""

    async def ensure_entity(self, name: str, *, now_us: int) -> EntityRecord:
        """Return the entity, made if it is new: with a domain of its own, and `model-registry`."""
        ...

    async def entity(self, name: str) -> EntityRecord | None:
        """Return the entity, if it exists."""
        ...

    async def project(self, entity: str, name: str) -> ProjectRecord | None:
        """Return the project or registry, with its number of live collections.

        A registry is found by a name that it once had, too, if no other has that name now.
        """
        ...

    async def create_project(self, entity_id: int, name: str, *, now_us: int) -> int:
        """Make a project; return its id.

        Raises:
            AlreadyExistsError: the entity has a project or registry of that name.
        """
        ...

    async def collection(
        self, entity: str, project: str, name: str, *, follow: bool = True
    ) -> CollectionRecord | None:
        """Return the live collection of that name; with `follow`, also by a name it once had.

        A live collection that has the name now goes before one that had it, and so does a registry
        before one that had its name. The record comes with
        its tags, aliases, number of live versions, and the version number `latest` points to.
        """
        ...

    async def collection_by_id(self, collection_id: int) -> CollectionRecord:
        """Return the collection, live or deleted.

        Raises:
            NotFoundError: there is no such id.
        """
        ...

    async def create_collection(
        self,
        project_id: int,
        name: str,
        type_: str,
        *,
        now_us: int,
        kind: CollectionKind = CollectionKind.SEQUENCE,
    ) -> int:
        """Make a collection, whose first version will be 0; return its id.

        A redirect from that name ends.

        Raises:
            AlreadyExistsError: a live collection of the project has that name.
        """
        ...

    async def rename_collection(self, collection_id: int, name: str, *, now_us: int) -> None:
        """Give the collection a new name; the old one redirects to it. Its revision grows.

        Raises:
            AlreadyExistsError: a live collection of the project has that name.
        """
        ...

    async def retype_collection(self, collection_id: int, type_: str, *, now_us: int) -> None:
        """Give a collection another type; its versions are of that type then."""
        ...

    async def update_collection(
        self,
        collection_id: int,
        *,
        description: str | None,
        tags: Sequence[str] | None,
        now_us: int,
    ) -> None:
        """Replace what is not None. Its revision grows."""
        ...

    async def delete_collection(self, collection_id: int, *, now_us: int) -> None:
        """Take the collection out of sight, with its redirects. Its name is free at once."""
        ...

    async def take_version_number(self, collection_id: int) -> int:
        """Return 0, 1, 2, ...: a number that this collection never had, and never gets again."""
        ...


class VersionLookUps(Protocol):
    """From the names in a ref to a version, in one statement: the fast path of reading.

    No redirects, and live collections only: None means nothing but "look closer".
    """

    async def resolve_alias(
        self, entity: str, project: str, collection: str, alias: str
    ) -> VersionRecord | None:
        """Return the version that the alias points to."""
        ...

    async def resolve_number(
        self, entity: str, project: str, collection: str, number: int
    ) -> VersionRecord | None:
        """Return the COMMITTED version with that number."""
        ...


class VersionRows(VersionLookUps, Protocol):
    """Versions, their tags and their manifest shards. Records come with aliases and tags.

    A link is a version too: it has the words, shards and domain of its source.
    """

    async def insert(self, version: NewVersion, shards: Sequence[ShardRecord]) -> VersionRecord:
        """Insert a COMMITTED version."""
        ...

    async def by_id(self, version_id: int) -> VersionRecord:
        """Return the version, whatever its state.

        Raises:
            NotFoundError: there is no such id.
        """
        ...

    async def by_number(self, collection_id: int, number: int) -> VersionRecord | None:
        """Return the version, whatever its state."""
        ...

    async def by_alias(self, collection_id: int, alias: str) -> VersionRecord | None:
        """Return the version that the alias points to."""
        ...

    async def by_digest(self, collection_id: int, digest: bytes) -> VersionRecord | None:
        """Return the highest COMMITTED version with that digest."""
        ...

    async def highest(self, collection_id: int) -> VersionRecord | None:
        """Return the COMMITTED version with the highest number."""
        ...

    async def update(
        self,
        version_id: int,
        *,
        description: str | None,
        metadata_json: str | None,
        tags: Sequence[str] | None,
        now_us: int,
    ) -> None:
        """Replace what is not None, of a version that is no link. Its revision grows.

        Its links have the new words, tags and revision at once.
        """
        ...

    async def add_tags(self, version_id: int, tags: Sequence[str], *, now_us: int) -> bool:
        """Add tags that it has not; return whether there were such, and then its revision grows."""
        ...

    async def mark_deleted(self, version_ids: Sequence[int], *, now_us: int) -> None:
        """Set the state to DELETED; everything else stays until it is collected as garbage."""
        ...

    async def live_ids(self, collection_id: int) -> list[int]:
        """Return the ids of all COMMITTED versions of the collection."""
        ...

    async def shards(self, version_id: int) -> list[ShardRecord]:
        """Return the manifest's shards, in the order of their paths."""
        ...

    async def shards_between(
        self, version_id: int, *, first: str, last: str | None
    ) -> list[ShardRecord]:
        """Return the shards that may hold a path p with first <= p (and p <= last, if given)."""
        ...

    async def domain(self, version_id: int) -> Domain:
        """Return the domain that holds the version's chunks."""
        ...


class AliasRows(Protocol):
    """Where aliases point now. I7: an alias names at most one version of its collection."""

    async def point(
        self, collection_id: int, alias: str, version_id: int, *, now_us: int
    ) -> int | None:
        """Point the alias to the version; return the id of the version it pointed to before."""
        ...

    async def point_all(
        self, collection_id: int, aliases: Sequence[str], version_id: int, *, now_us: int
    ) -> dict[str, AliasTarget]:
        """Point aliases to the version; return what those that were set pointed to before."""
        ...

    async def remove(self, collection_id: int, alias: str) -> int | None:
        """Remove the alias; return the id of the version it pointed to."""
        ...

    async def of_collection(self, collection_id: int) -> dict[str, int]:
        """Return all aliases of the collection and the ids of their versions."""
        ...

    async def named(self, version_ids: Collection[int]) -> set[int]:
        """Return those of the versions that have an alias other than `latest`."""
        ...

    async def of_versions(
        self, version_ids: Collection[int], *, limit: int
    ) -> list[tuple[int, str]]:
        """Return aliases other than `latest`, each with its version, by version and name."""
        ...

    async def intervals(self, collection_id: int, alias: str) -> list[AliasInterval]:
        """Return where the alias pointed and when, oldest first."""
        ...


class ListingRows(Protocol):
    """Lists, filtered, ordered and paged. Every order ends with the row's id.

    A page ends early where its descriptions and metadata are more than 2 MiB; it has one row at
    least. Every list raises FilterInvalidError for a field, a value or an order that it does not
    have, and PageTokenInvalidError for a cursor of another order.
    """

    async def versions(
        self, project_id: int, collection_id: int | None, query: Query
    ) -> Page[VersionRecord]:
        """List versions of a project, or of one collection of it.

        Fields: name (of the collection), type, alias, tag, state, created_at, updated_at, version
        (its number), size_bytes, file_count, metadata (by its leaves). `state` compares with the
        names COMMITTED and DELETED.
        """
        ...

    async def collections(self, project_id: int, query: Query) -> Page[CollectionRecord]:
        """List live collections. Fields: name, type, alias, tag, created_at, updated_at."""
        ...

    async def projects(self, entity_id: int, query: Query) -> Page[ProjectRecord]:
        """List projects. Fields: name, created_at."""
        ...

    async def types(self, project_id: int, query: Query) -> Page[TypeRecord]:
        """List the types of live collections. Fields: name, created_at."""
        ...
