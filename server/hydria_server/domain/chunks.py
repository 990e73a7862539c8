"""Chunks: the verified pieces of at most 2 MiB that everything stored is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MAX_CHUNK_BYTES = 2 * 1024 * 1024
MAX_BATCH_BYTES = 3 * 1024 * 1024  # with its columns it stays under gRPC's 4 MiB
MAX_DIGESTS_PER_FIND = 20_000
# FastCDC-2020 with normalization 2 and seed 0; files up to MAX_CHUNK_BYTES stay whole.
CHUNKER_MIN_BYTES = 128 * 1024
CHUNKER_AVERAGE_BYTES = 512 * 1024


class ChunkState(IntEnum):
    """What the index says of a chunk. Only LIVE counts as present."""

    LIVE = 1
    CONDEMNED = 2  # by garbage collection: a new upload makes it LIVE again elsewhere
    CORRUPT = 3  # a read found bad bytes: a new upload repairs it


@dataclass(frozen=True, slots=True)
class Chunk:
    """A verified chunk in memory, on its way to a pack."""

    digest: bytes
    data: bytes | memoryview

    @property
    def size_bytes(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """A chunk as a file's chunk list names it."""

    digest: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where a chunk's record lies: never reused once freed (I4)."""

    pack_id: str  # ULID of the pack
    offset: int  # of the record's header, bytes from the start of the pack
    stored_bytes: int  # payload length as stored


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A LIVE chunk and where to read it."""

    digest: bytes
    size_bytes: int
    location: Location
