"""What passes through an upload: chunks with their bytes, files of chunks, windows of both."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from hydria.digests import DIGEST_BYTES
from hydria.upload.buffers import Buffer, BufferPool
from hydria.walk import LocalFile

RECIPE_CHUNKS_MAX = 32_768
_RECIPE_MAGIC = b"HYRC\x01"
_SIZE = struct.Struct("<I")


class Piece(NamedTuple):
    """A chunk that a file needs."""

    digest: bytes
    size_bytes: int
    data: memoryview | None
    """Its bytes, in the window's buffer; None when the file was remembered and not read."""
    source: LocalFile | None = None
    """Which file to read when the server lacks a chunk without bytes."""
    is_content: bool = True
    """False for a recipe."""


class Entry(NamedTuple):
    """A file of the version to be."""

    path: str
    size_bytes: int
    content_digest: bytes
    chunk_digests: bytes = b""
    chunk_sizes: tuple[int, ...] = ()
    recipe_digests: bytes = b""


class Copy(NamedTuple):
    """An entry of the version to be, equal to one that another version has."""

    path: str
    source_ref: str
    source_path: str


@dataclass(slots=True, eq=False)
class Window:
    """Some chunks, the files that end with them, and the buffer that holds their bytes.

    A file is complete once its window and all windows before it are durable.
    """

    buffer: Buffer
    pool: BufferPool
    pieces: list[Piece] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    used_bytes: int = 0
    content_bytes: int = 0
    """Bytes of files that were read into this window, or remembered."""

    def release(self) -> None:
        """Give the buffer back; what the pieces point at is gone."""
        self.pieces = []
        self.pool.release(self.buffer)


def recipes_of(chunk_digests: bytes, chunk_sizes: tuple[int, ...]) -> list[bytes]:
    """Return the recipe chunks that list these chunks, as artifact.proto describes them."""
    rows = [
        chunk_digests[DIGEST_BYTES * at : DIGEST_BYTES * (at + 1)] + _SIZE.pack(size)
        for at, size in enumerate(chunk_sizes)
    ]
    return [
        _RECIPE_MAGIC + b"".join(rows[at : at + RECIPE_CHUNKS_MAX])
        for at in range(0, len(rows), RECIPE_CHUNKS_MAX)
    ]
