"""UploadFile: a plain stream of bytes becomes a staged file; the server cuts and hashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from pyfastcdc import FastCDC

from hydria_server.domain.chunks import (
    CHUNKER_AVERAGE_BYTES,
    CHUNKER_MIN_BYTES,
    MAX_CHUNK_BYTES,
    Chunk,
    ChunkRef,
)
from hydria_server.domain.digest import require_digest
from hydria_server.domain.errors import DigestMismatchError, FieldViolationError, SizeMismatchError
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.paths import require_path
from hydria_server.domain.records import UploadRecord
from hydria_server.services.budget import ByteBudget
from hydria_server.services.file_drafts import MAX_CHUNKS_PER_FILE
from hydria_server.services.file_verification import FileVerification
from hydria_server.services.hashing import FileHasher, Hashing, chunk_list_digest, digest_of
from hydria_server.services.ingest import ChunkIngest, StoreOutcome
from hydria_server.services.recipes import Recipes
from hydria_server.services.sessions import UploadSessions
from hydria_server.services.staging import MAX_WRITER_ID_CHARACTERS, Staging

# Cut when this much has come: enough for a few chunks of any size, little enough for the budget.
_BUFFER_BYTES = 2 * MAX_CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What a sender declares first."""

    upload_id: str
    path: str
    size_bytes: int | None
    content_digest: bytes
    writer_id: str


@dataclass(frozen=True, slots=True)
class FileTrailer:
    """What a sender declares last."""

    size_bytes: int
    content_digest: bytes


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The staged file, and what storing it took."""

    entry: FileEntry
    outcome: StoreOutcome


class FileUploads:
    """Takes files as streams of bytes. A path appears only when its call returns."""

    def __init__(
        self,
        sessions: UploadSessions,
        staging: Staging,
        ingest: ChunkIngest,
        recipes: Recipes,
        verification: FileVerification,
        hashing: Hashing,
        budget: ByteBudget,
    ) -> None:
        self._sessions = sessions
        self._staging = staging
        self._ingest = ingest
        self._recipes = recipes
        self._verification = verification
        self._hashing = hashing
        self._budget = budget

    async def upload(
        self, header: FileHeader, parts: AsyncIterator[bytes | FileTrailer]
    ) -> UploadedFile:
        """Store and stage one file.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: it takes nothing.
            PathInvalidError, FieldViolationError: the stream is malformed.
            SizeMismatchError: it was cut short, or is longer than declared. Nothing is staged.
            DigestMismatchError: the content is not what was declared. Nothing is staged.
            StorageFullError: there is no room.
        """
        _check(header)
        upload = await self._sessions.require_open(header.upload_id)
        async with self._budget.hold(_held_bytes(header.size_bytes)):
            cutter = _Cutter(self._sessions, self._ingest, self._hashing, upload)
            trailer = await _feed(cutter, parts, header.size_bytes)
            await cutter.finish()
        _require_as_declared(cutter, header, trailer)
        entry = await self._entry(upload, header.path, cutter)
        await self._staging.stage_file(upload, header.writer_id, entry)
        return UploadedFile(entry, StoreOutcome(cutter.stored_bytes, cutter.duplicate_bytes))

    async def _entry(self, upload: UploadRecord, path: str, cutter: _Cutter) -> FileEntry:
        digest, refs = cutter.hasher.digest(), cutter.refs
        entry = FileEntry(path, cutter.hasher.size_bytes, digest)
        if len(refs) <= 1:
            return entry
        key = (digest, chunk_list_digest(ref.digest for ref in refs))
        await self._verification.remember(upload.domain, [key])
        return await self._recipes.shorten(upload, replace(entry, chunks=tuple(refs)))


class _Cutter:
    """Cuts a file's bytes into chunks and stores them, a buffer at a time."""

    def __init__(
        self, sessions: UploadSessions, ingest: ChunkIngest, hashing: Hashing, upload: UploadRecord
    ) -> None:
        self._sessions = sessions
        self._ingest = ingest
        self._hashing = hashing
        self._upload = upload
        self._buffer = bytearray()
        self._chunker = FastCDC(
            CHUNKER_AVERAGE_BYTES,
            min_size=CHUNKER_MIN_BYTES,
            max_size=MAX_CHUNK_BYTES,
            normalized_chunking=2,
            seed=0,
        )
        self.hasher = FileHasher()
        self.refs: list[ChunkRef] = []
        self.stored_bytes = 0
        self.duplicate_bytes = 0

    @property
    def received_bytes(self) -> int:
        return self.hasher.size_bytes + len(self._buffer)

    async def feed(self, data: bytes) -> None:
        self._upload = await self._sessions.renew_if_due(self._upload)
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            await self._cut(at_end=False)

    async def finish(self) -> None:
        if self._buffer:
            await self._cut(at_end=True)

    async def _cut(self, *, at_end: bool) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        chunks, rest = await self._hashing.run(lambda: self._chunks(data, at_end))
        self._buffer += rest
        outcome = await self._ingest.store(self._upload, chunks)
        self.stored_bytes += outcome.stored_bytes
        self.duplicate_bytes += outcome.duplicate_bytes
        self.refs.extend(ChunkRef(chunk.digest, chunk.size_bytes) for chunk in chunks)
        if len(self.refs) > MAX_CHUNKS_PER_FILE:
            raise FieldViolationError(
                "data", f"the file has more than {MAX_CHUNKS_PER_FILE} chunks"
            )

    def _chunks(self, data: bytes, at_end: bool) -> tuple[list[Chunk], memoryview]:
        """Return the chunks that are sure, and the bytes whose end is not known yet."""
        view = memoryview(data)
        whole = at_end and not self.refs and len(data) <= MAX_CHUNK_BYTES
        cuts = (
            [(0, len(data))]
            if whole
            else [(cut.offset, cut.offset + cut.length) for cut in self._chunker.cut_buf(view)]
        )
        if not at_end:
            cuts = cuts[:-1]  # the last one ends where the buffer does, not where content says
        done = cuts[-1][1]
        self.hasher.update(view[:done])
        return [Chunk(digest_of(view[a:b]), view[a:b]) for a, b in cuts], view[done:]


async def _feed(
    cutter: _Cutter, parts: AsyncIterator[bytes | FileTrailer], declared: int | None
) -> FileTrailer | None:
    trailer: FileTrailer | None = None
    async for part in parts:
        if trailer is not None:
            raise FieldViolationError("trailer", "it is the last message of its stream")
        if isinstance(part, FileTrailer):
            trailer = part
            continue
        await cutter.feed(part)
        if declared is not None and cutter.received_bytes > declared:
            raise SizeMismatchError(f"the file has more than the declared {declared} bytes")
    return trailer


def _held_bytes(declared: int | None) -> int:
    """Return how much a stream holds at most: many small files at once hold little."""
    return _BUFFER_BYTES if declared is None else min(declared, _BUFFER_BYTES)


def _require_as_declared(cutter: _Cutter, header: FileHeader, trailer: FileTrailer | None) -> None:
    sizes = {header.size_bytes, trailer.size_bytes if trailer else None} - {None}
    if not sizes:
        raise SizeMismatchError(
            "the stream ended without a declared size or a trailer: nothing is staged"
        )
    received = cutter.received_bytes
    if sizes != {received}:
        shown = " and ".join(str(size) for size in sizes)
        raise SizeMismatchError(f"the file has {received} bytes, declared were {shown}")
    digests = {header.content_digest, trailer.content_digest if trailer else b""} - {b""}
    if digests and digests != {cutter.hasher.digest()}:
        raise DigestMismatchError(
            f"the bytes of {header.path[:200]!r} are not what its digest says",
            details={"path": header.path[:500]},
        )


def _check(header: FileHeader) -> None:
    require_path(header.path, field="path")
    if header.content_digest:
        require_digest(header.content_digest, field="content_digest")
    if len(header.writer_id) > MAX_WRITER_ID_CHARACTERS:
        raise FieldViolationError("writer_id", "it has more than 128 characters")
