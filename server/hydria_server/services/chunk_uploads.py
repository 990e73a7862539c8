"""Batches of chunks in: check their shape, verify their digests, make them durable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import MAX_BATCH_BYTES, MAX_CHUNK_BYTES, Chunk
from hydria_server.domain.digest import format_digest, split_digests
from hydria_server.domain.errors import (
    BatchTooLargeError,
    ChunkTooLargeError,
    DigestMismatchError,
    FieldViolationError,
    HydriaError,
)
from hydria_server.domain.records import UploadRecord
from hydria_server.services.hashing import Hashing
from hydria_server.services.ingest import ChunkIngest, StoreOutcome

MAX_CHUNKS_PER_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class ChunkBatch:
    """Chunks by columns, as they came."""

    seq: int
    sizes: Sequence[int]
    digests: bytes
    payload: bytes | memoryview


@dataclass(frozen=True, slots=True)
class RefusedChunk:
    """A chunk of a batch that could not be taken."""

    index: int
    error: HydriaError


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """The chunks of a batch that are what they claim, and those that are not."""

    chunks: Sequence[Chunk]
    refused: Sequence[RefusedChunk]


class ChunkUploads:
    """Takes batches. A refused chunk does not harm the rest of its batch."""

    def __init__(self, ingest: ChunkIngest, hashing: Hashing) -> None:
        self._ingest = ingest
        self._hashing = hashing

    async def verify(self, batch: ChunkBatch) -> VerifiedBatch:
        """Split a batch and hash its chunks.

        Raises:
            FieldViolationError, BatchTooLargeError: sizes, digests and payload disagree.
        """
        digests = split_digests(batch.digests, field="digests")
        _check(batch, len(digests))
        view = memoryview(batch.payload)
        pieces: list[memoryview] = []
        at = 0
        for size in batch.sizes:
            pieces.append(view[at : at + size])
            at += size
        found = await self._hashing.digests(pieces)
        chunks: list[Chunk] = []
        refused: list[RefusedChunk] = []
        for index, (claimed, actual, piece) in enumerate(zip(digests, found, pieces, strict=True)):
            error = _problem(claimed, actual, len(piece))
            if error:
                refused.append(RefusedChunk(index, error))
            else:
                chunks.append(Chunk(actual, piece))
        return VerifiedBatch(chunks, refused)

    async def store(self, upload: UploadRecord, batch: VerifiedBatch) -> StoreOutcome:
        """Make the verified chunks durable.

        Raises:
            As ChunkIngest.store.
        """
        return await self._ingest.store(upload, batch.chunks)


def _check(batch: ChunkBatch, digest_count: int) -> None:
    if len(batch.payload) > MAX_BATCH_BYTES:
        raise BatchTooLargeError(
            f"a payload of {len(batch.payload)} bytes is over {MAX_BATCH_BYTES}",
            details={"limit": str(MAX_BATCH_BYTES)},
        )
    if len(batch.sizes) > MAX_CHUNKS_PER_BATCH:
        raise BatchTooLargeError(
            f"{len(batch.sizes)} chunks are more than {MAX_CHUNKS_PER_BATCH}",
            details={"limit": str(MAX_CHUNKS_PER_BATCH)},
        )
    if len(batch.sizes) != digest_count:
        raise FieldViolationError(
            "sizes", f"there are {len(batch.sizes)} sizes and {digest_count} digests"
        )
    if sum(batch.sizes) != len(batch.payload):
        raise FieldViolationError(
            "payload", f"it has {len(batch.payload)} bytes, the sizes say {sum(batch.sizes)}"
        )
    if 0 in batch.sizes:
        raise FieldViolationError("sizes", "a chunk has at least one byte")


def _problem(claimed: bytes, actual: bytes, size_bytes: int) -> HydriaError | None:
    if size_bytes > MAX_CHUNK_BYTES:
        return ChunkTooLargeError(
            f"a chunk of {size_bytes} bytes is over {MAX_CHUNK_BYTES}",
            details={"limit": str(MAX_CHUNK_BYTES)},
        )
    if claimed != actual:
        return DigestMismatchError(
            "the chunk's bytes are not what its digest says",
            details={"digest": format_digest(claimed)},
        )
    return None
