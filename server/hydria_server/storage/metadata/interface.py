"""The contract of a metadata store: rows, read and written in transactions.

The rules live in the services; what is here keeps rows and the constraints between them. A
transaction is one async function that gets `Rows`; it may run more than once only if the backend
says that nothing of it was kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hydria_server.domain.chunks import ChunkState, StoredChunk
from hydria_server.domain.filters import Page, Query
from hydria_server.domain.records import (
    AliasInterval,
    AliasMove,
    CollectionRecord,
    CommitResult,
    Domain,
    EntityRecord,
    EventDraft,
    EventRecord,
    NewVersion,
    ProjectRecord,
    ShardRecord,
    StagedRun,
    StoreInfo,
    TypeRecord,
    UploadRecord,
    UploadState,
    VersionRecord,
    WriterProgress,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A row of the chunk index."""

    chunk: StoredChunk
    state: ChunkState
    touch_epoch: int


class StoreRows(Protocol):
    """The store itself."""

    async def info(self) -> StoreInfo:
        """Return the store's id, epoch and digest function."""
        ...


class NameRows(Protocol):
    """Entities, projects, collections and the redirects that renames leave behind."""

    async def ensure_entity(self, name: str, *, now_us: int) -> EntityRecord:
        """Return the entity, made with a domain of its own if it is new."""
        ...

    async def entity(self, name: str) -> EntityRecord | None:
        """Return the entity, if it exists."""
        ...

    async def project(self, entity: str, name: str) -> ProjectRecord | None:
        """Return the project, if it exists, with its number of live collections."""
        ...

    async def create_project(self, entity_id: int, name: str, *, now_us: int) -> int:
        """Make a project; return its id."""
        ...

    async def collection(
        self, entity: str, project: str, name: str, *, follow: bool = True
    ) -> CollectionRecord | None:
        """Return the live collection of that name; with `follow`, also by a name it once had.

        A live collection that has the name now goes before one that had it. The record comes with
        its tags, aliases, number of live versions, and the version number `latest` points to.
        """
        ...

    async def collection_by_id(self, collection_id: int) -> CollectionRecord:
        """Return the collection, live or deleted."""
        ...

    async def create_collection(
        self, project_id: int, name: str, type_: str, *, now_us: int
    ) -> int:
        """Make a collection, whose first version will be 0; return its id.

        A redirect from that name ends.
        """
        ...

    async def rename_collection(self, collection_id: int, name: str, *, now_us: int) -> None:
        """Give the collection a new name; the old one redirects to it. Its revision grows.

        Raises:
            AlreadyExistsError: a live collection of the project has that name.
        """
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


class VersionRows(Protocol):
    """Versions, their tags and their manifest shards. Records come with aliases and tags."""

    async def insert(self, version: NewVersion, shards: Sequence[ShardRecord]) -> VersionRecord:
        """Insert a COMMITTED version."""
        ...

    async def by_id(self, version_id: int) -> VersionRecord:
        """Return the version, whatever its state."""
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

    async def resolve_alias(
        self, entity: str, project: str, collection: str, alias: str
    ) -> VersionRecord | None:
        """Return what the alias of a live collection points to, in one statement if possible.

        The fast path of reading by alias: no redirects; None means nothing but "look closer".
        """
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
        """Replace what is not None. Its revision grows."""
        ...

    async def add_tags(self, version_id: int, tags: Sequence[str], *, now_us: int) -> None:
        """Add tags that it has not; only if there are such, its revision grows."""
        ...

    async def mark_deleted(self, version_ids: Sequence[int], *, now_us: int) -> None:
        """Set the state to DELETED. Digest, number and times stay; shards go."""
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

    async def remove(self, collection_id: int, alias: str) -> int | None:
        """Remove the alias; return the id of the version it pointed to."""
        ...

    async def of_collection(self, collection_id: int) -> dict[str, int]:
        """Return all aliases of the collection and the ids of their versions."""
        ...

    async def intervals(self, collection_id: int, alias: str) -> list[AliasInterval]:
        """Return where the alias pointed and when, oldest first."""
        ...


class EventRows(Protocol):
    """The ordered, append-only history of each entity."""

    async def record(
        self,
        entity_id: int,
        drafts: Sequence[EventDraft],
        moves: Sequence[AliasMove],
        *,
        actor: str,
        now_us: int,
    ) -> int:
        """Append events, and close and open the alias intervals of `moves`; return the time used.

        I8: numbers are taken in commit order, without gaps, from 1; call it last in a transaction.
        The time is `now_us`, or one more than the entity's last time where that is not later. A
        move to where the alias is already changes no interval.
        """
        ...

    async def after(self, entity_id: int, seq: int, *, limit: int) -> list[EventRecord]:
        """Return the entity's events with a greater number, in order."""
        ...


class UploadRows(Protocol):
    """Upload sessions."""

    async def insert(self, upload: UploadRecord) -> None:
        """Insert an OPEN upload.

        Raises:
            AlreadyExistsError: the entity has an upload with that (not empty) request id.
        """
        ...

    async def get(self, upload_id: str) -> UploadRecord | None:
        """Return the upload, whatever its state."""
        ...

    async def by_request_id(self, entity_id: int, request_id: str) -> UploadRecord | None:
        """Return the upload that this request began."""
        ...

    async def count_open(self, entity_id: int) -> int:
        """Return how many uploads of the entity are OPEN."""
        ...

    async def renew(self, upload_id: str, *, expires_at_us: int) -> None:
        """Move the end of an OPEN upload's lease."""
        ...

    async def end(
        self,
        upload_id: str,
        state: UploadState,
        *,
        commit_hash: bytes = b"",
        commit_result: CommitResult | None = None,
    ) -> bool:
        """Take an OPEN upload to `state`; return False, and change nothing, if it is not OPEN."""
        ...

    async def expire_due(self, *, now_us: int) -> int:
        """Take every OPEN upload whose lease has ended to EXPIRED; return how many.

        This state change is the fence: everything else tests the state, never a clock.
        """
        ...


class StagingRows(Protocol):
    """What uploads have staged: sorted runs by (upload, writer, seq, part)."""

    async def add(self, upload_id: str, runs: Sequence[StagedRun]) -> None:
        """Add runs."""
        ...

    async def last_seq(self, upload_id: str, writer_id: str) -> int:
        """Return the writer's highest staged seq; 0 if there is none."""
        ...

    async def runs(self, upload_id: str) -> list[StagedRun]:
        """Return all runs in the order of staging."""
        ...

    async def mark_resolved(self, run_ids: Collection[int]) -> None:
        """Note that the runs need no more checking."""
        ...

    async def writers(self, upload_id: str) -> list[WriterProgress]:
        """Return how far each writer has come, by writer id."""
        ...

    async def clear(self, upload_id: str) -> None:
        """Forget what the upload has staged."""
        ...


class ChunkRows(Protocol):
    """The chunk index of each domain, and which files were verified from which chunks."""

    async def find(self, domain_id: int, digests: Sequence[bytes]) -> dict[bytes, IndexedChunk]:
        """Return the rows of those digests that are known, in any state. Any number may be asked."""
        ...

    async def touch(self, domain_id: int, digests: Sequence[bytes], *, epoch: int) -> set[bytes]:
        """Set the touch epoch (never back) of the LIVE ones among them; return which these are."""
        ...

    async def put(self, domain_id: int, chunks: Sequence[StoredChunk], *, epoch: int) -> None:
        """Insert rows as LIVE; where a row is not LIVE, replace its location and make it LIVE.

        A LIVE row keeps its location. The touch epoch is set always, and never goes back.
        """
        ...

    async def mark_corrupt(self, domain_id: int, chunk: StoredChunk) -> None:
        """Take a LIVE row to CORRUPT, if it still has the location of `chunk`."""
        ...

    async def verified_files(
        self, domain_id: int, files: Collection[tuple[bytes, bytes]]
    ) -> set[tuple[bytes, bytes]]:
        """Return those (content digest, chunk-list digest) pairs that were verified before."""
        ...

    async def remember_verified(
        self, domain_id: int, files: Collection[tuple[bytes, bytes]]
    ) -> None:
        """Remember that the chunk list's concatenation has the content digest."""
        ...


class ListingRows(Protocol):
    """Lists, filtered, ordered and paged. Every order ends with the row's id."""

    async def versions(
        self, project_id: int, collection_id: int | None, query: Query
    ) -> Page[VersionRecord]:
        """Fields: name, type, alias, tag, state, created_at, updated_at, version, size_bytes,
        file_count. `state` compares with the names COMMITTED and DELETED."""
        ...

    async def collections(self, project_id: int, query: Query) -> Page[CollectionRecord]:
        """Fields: name, type, alias, tag, created_at, updated_at. Live collections only."""
        ...

    async def projects(self, entity_id: int, query: Query) -> Page[ProjectRecord]:
        """Fields: name, created_at."""
        ...

    async def types(self, project_id: int, query: Query) -> Page[TypeRecord]:
        """Fields: name, created_at. Types of live collections."""
        ...


class Rows(Protocol):
    """All rows, within one transaction."""

    @property
    def store(self) -> StoreRows: ...
    @property
    def names(self) -> NameRows: ...
    @property
    def versions(self) -> VersionRows: ...
    @property
    def aliases(self) -> AliasRows: ...
    @property
    def events(self) -> EventRows: ...
    @property
    def uploads(self) -> UploadRows: ...
    @property
    def staging(self) -> StagingRows: ...
    @property
    def chunks(self) -> ChunkRows: ...
    @property
    def listings(self) -> ListingRows: ...


class MetadataStore(Protocol):
    """Transactions over rows.

    - A write is all or nothing, durable when it returns, and serialized with other writes.
    - A write runs in a task of its own: a cancelled caller does not decide whether it happened,
      and `close` waits for it.
    - A read sees one consistent snapshot, and returns materialised values: none stays open.
    """

    async def read(self, work: Callable[[Rows], Awaitable[T]]) -> T:
        """Run `work` on a snapshot. Writing in it is an error."""
        ...

    async def write(self, work: Callable[[Rows], Awaitable[T]]) -> T:
        """Run `work` and commit; on any exception of it, roll back and raise that.

        Raises:
            StorageFullError: the disk is full; nothing was kept.
            StorageUnavailableError: the database cannot be written; nothing was kept.
        """
        ...

    async def close(self) -> None:
        """Wait for writes in progress, then let go. Idempotent."""
        ...
