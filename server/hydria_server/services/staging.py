"""Staging: what an upload's writers put and remove, kept as sorted runs in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hydria_server.domain.chunks import Chunk
from hydria_server.domain.errors import (
    BatchTooLargeError,
    DuplicatePathError,
    FieldViolationError,
)
from hydria_server.domain.manifest import (
    RUN_MAGIC,
    FileEntry,
    encode_entries,
    encode_entry,
    encode_removals,
    entry_path,
)
from hydria_server.domain.paths import MAX_PATH_BYTES
from hydria_server.domain.records import StagedRun, UploadRecord
from hydria_server.services.entry_copies import EntryCopies, EntryCopy
from hydria_server.services.file_drafts import (
    FileDraft,
    FileDrafts,
    ReferenceDraft,
    reference_entry,
)
from hydria_server.services.hashing import digest_of
from hydria_server.services.ingest import ChunkIngest
from hydria_server.services.resolution import Resolution
from hydria_server.services.sessions import UploadSessions, require_open
from hydria_server.storage.metadata.interface import MetadataStore, Rows

MAX_OPERATIONS = 10_000
MAX_WRITER_ID_CHARACTERS = 128
RUN_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StageBatch:
    """The operations of one StageFiles call. Removals act on the base version only."""

    writer_id: str
    seq: int
    puts: Sequence[FileDraft]
    references: Sequence[ReferenceDraft] = ()
    copies: Sequence[EntryCopy] = ()
    removed_paths: Sequence[str] = ()
    removed_prefixes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """How far the writer has come, and which chunks of this batch are still missing."""

    staged_through_seq: int
    missing: Sequence[bytes]
    was_staged_before: bool = False


class Staging:
    """Keeps batches durably, each of them once."""

    def __init__(
        self,
        sessions: UploadSessions,
        drafts: FileDrafts,
        copies: EntryCopies,
        resolution: Resolution,
        ingest: ChunkIngest,
        metadata: MetadataStore,
    ) -> None:
        self._sessions = sessions
        self._drafts = drafts
        self._copies = copies
        self._resolution = resolution
        self._ingest = ingest
        self._metadata = metadata

    async def stage(self, upload_id: str, batch: StageBatch) -> StageOutcome:
        """Stage one batch, or acknowledge a replay of one.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: it takes nothing.
            FieldViolationError, PathInvalidError, DuplicatePathError, BatchTooLargeError: the
                batch is malformed.
            ReferenceInvalidError: a reference breaks the rules.
            CrossDomainError, NotFoundError: a copy has no source here; as EntryCopies.entries.
            DigestMismatchError: a file is not what it claims. Nothing of the batch is staged.
            ChunksMissingError: a recipe was not uploaded before.
        """
        _check(batch)
        upload = await self._sessions.require_open(upload_id)
        last = await self._metadata.read(
            lambda rows: rows.staging.last_seq(upload_id, batch.writer_id)
        )
        if batch.seq <= last:
            return StageOutcome(last, (), was_staged_before=True)
        if batch.seq != last + 1:
            # An upload that ended since we looked has nothing staged any more, and that is why.
            await self._sessions.require_open(upload_id)
            raise FieldViolationError("seq", f"{batch.seq} does not follow {last}")
        entries = [await self._drafts.entry(upload, draft) for draft in batch.puts]
        entries += map(reference_entry, batch.references)
        entries += await self._copies.entries(upload, batch.copies)
        missing = await self._resolution.missing(upload, entries)
        runs = await self._write_runs(upload, batch, entries, resolved=not missing)
        staged, is_new = await self._metadata.write(lambda rows: _add(rows, upload_id, batch, runs))
        return StageOutcome(staged, missing, was_staged_before=not is_new)

    async def stage_file(self, upload: UploadRecord, writer_id: str, entry: FileEntry) -> None:
        """Stage one file that the server itself cut, hashed and stored.

        Raises:
            UploadNotOpenError, UploadExpiredError: the upload ended meanwhile.
        """
        batch = StageBatch(writer_id, 0, ())
        runs = await self._write_runs(upload, batch, [entry], resolved=True)
        runs = [replace(run, seq=None) for run in runs]
        await self._metadata.write(lambda rows: _add(rows, upload.upload_id, None, runs))

    async def _write_runs(
        self, upload: UploadRecord, batch: StageBatch, entries: list[FileEntry], *, resolved: bool
    ) -> list[StagedRun]:
        """Store the batch as chunks: sorted puts in parts of about 1 MiB, then the removals."""
        chunks: list[Chunk] = []
        runs: list[StagedRun] = []
        for first, last, count, data in _parts(entries):
            chunks.append(Chunk(digest_of(data), data))
            runs.append(_run(batch, len(runs), chunks[-1], count, first, last, resolved))
        removed = len(batch.removed_paths) + len(batch.removed_prefixes)
        if removed or not runs:
            data = encode_removals(batch.removed_paths, batch.removed_prefixes)
            chunks.append(Chunk(digest_of(data), data))
            runs.append(_run(batch, len(runs), chunks[-1], removed, "", "", True))
        await self._ingest.store(upload, chunks)
        return runs


def _run(
    batch: StageBatch, part: int, chunk: Chunk, count: int, first: str, last: str, resolved: bool
) -> StagedRun:
    return StagedRun(
        writer_id=batch.writer_id,
        seq=batch.seq,
        part=part,
        digest=chunk.digest,
        size_bytes=chunk.size_bytes,
        operation_count=count,
        first_path=first,
        last_path=last,
        resolved=resolved,
    )


async def _add(
    rows: Rows, upload_id: str, batch: StageBatch | None, runs: Sequence[StagedRun]
) -> tuple[int, bool]:
    """Add runs to an upload that is still open, unless a twin of the call was faster.

    Return the writer's last seq, and whether the runs were added.
    """
    upload = await rows.uploads.get(upload_id)
    if upload is not None:
        require_open(upload)
    if batch is None:
        await rows.staging.add(upload_id, runs)
        return 0, True
    last = await rows.staging.last_seq(upload_id, batch.writer_id)
    is_next = batch.seq == last + 1
    if is_next:
        await rows.staging.add(upload_id, runs)
    return max(last, batch.seq), is_next


def _parts(entries: Sequence[FileEntry]) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield (first path, last path, count, run bytes) of the sorted entries."""
    raws = sorted((encode_entry(entry) for entry in entries), key=entry_path)
    start = size = 0
    for index, raw in enumerate(raws):
        if size and size + len(raw) > RUN_BYTES:
            yield _part(raws[start:index])
            start, size = index, 0
        size += len(raw) + 4
    if raws:
        yield _part(raws[start:])


def _part(raws: Sequence[bytes]) -> tuple[str, str, int, bytes]:
    first, last = entry_path(raws[0]).decode(), entry_path(raws[-1]).decode()
    return first, last, len(raws), encode_entries(RUN_MAGIC, raws)


def _check(batch: StageBatch) -> None:
    if len(batch.writer_id) > MAX_WRITER_ID_CHARACTERS:
        raise FieldViolationError("writer_id", "it has more than 128 characters")
    if batch.seq < 1:
        raise FieldViolationError("seq", "batches are numbered from 1")
    paths = [put.path for put in batch.puts]
    paths += [reference.path for reference in batch.references]
    paths += [copy.path for copy in batch.copies]
    count = len(paths) + len(batch.removed_paths) + len(batch.removed_prefixes)
    if count > MAX_OPERATIONS:
        raise BatchTooLargeError(
            f"{count} operations are more than {MAX_OPERATIONS}",
            details={"limit": str(MAX_OPERATIONS)},
        )
    require_distinct(paths)
    for text in (*batch.removed_paths, *batch.removed_prefixes):
        if not text or len(text.encode()) > MAX_PATH_BYTES:
            raise FieldViolationError("operations", "a removal names no path, or too long a one")


def require_distinct(paths: Iterable[str]) -> None:
    """Return when no path is there twice.

    Raises:
        DuplicatePathError: one is.
    """
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            shown = path[:200]
            raise DuplicatePathError(
                f"{shown!r} is put twice in one batch", details={"path": shown}
            )
        seen.add(path)
