"""The contract of the rows behind the catalog: events, uploads, staging, the chunk index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from hydria_server.domain.chunks import ChunkState, StoredChunk
from hydria_server.domain.events import EventBounds
from hydria_server.domain.records import (
    AliasMove,
    CommitResult,
    EventDraft,
    EventRecord,
    StagedRun,
    StoreInfo,
    UploadRecord,
    UploadState,
    WriterProgress,
)


class StoreRows(Protocol):
    """The store itself."""

    async def info(self) -> StoreInfo:
        """Return the store's id, epoch and digest function."""
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

    async def bounds(self, entity_id: int) -> EventBounds:
        """Return which events of the entity are kept."""
        ...

    async def heads(self, entity_ids: Collection[int]) -> dict[int, int]:
        """Return the number of each entity's last event, 0 where there was none yet."""
        ...

    async def time_of(self, entity_id: int, seq: int) -> int | None:
        """Return the time of the event of that number, if it is kept."""
        ...


class UploadRows(Protocol):
    """Upload sessions."""

    async def insert(self, upload: UploadRecord) -> None:
        """Insert an OPEN upload.

        Raises:
            AlreadyExistsError: the entity has an upload with that (not empty) request id. The
                transaction can go on.
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

    async def forget_request(self, upload_id: str) -> None:
        """Let the upload's request id begin another upload."""
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


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A row of the chunk index."""

    chunk: StoredChunk
    state: ChunkState
    touch_epoch: int


class ChunkRows(Protocol):
    """The chunk index of each domain, and which files were verified from which chunks."""

    async def find(self, domain_id: int, digests: Sequence[bytes]) -> dict[bytes, IndexedChunk]:
        """Return the rows of the known ones among them, in any state. Any number may be asked."""
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
