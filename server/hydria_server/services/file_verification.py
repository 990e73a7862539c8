"""File digests are the server's own finding: chunks are proven one by one, files as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import DigestMismatchError
from hydria_server.domain.records import Domain
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.hashing import FileHasher, Hashing, chunk_list_digest
from hydria_server.storage.metadata.interface import MetadataStore

# Two keep the hashing threads busy; each holds two windows of bytes (I9).
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file of several chunks, and the content digest that a client says it has."""

    path: str
    content_digest: bytes
    chunks: Sequence[ChunkRef]

    def key(self) -> tuple[bytes, bytes]:
        """Return what verification is remembered by."""
        return self.content_digest, chunk_list_digest(ref.digest for ref in self.chunks)


class FileVerification:
    """Hashes the concatenation of a file's chunks, once for each content and chunk list."""

    def __init__(self, reader: ChunkReader, metadata: MetadataStore, hashing: Hashing) -> None:
        self._reader = reader
        self._metadata = metadata
        self._hashing = hashing
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def require_verified(self, domain: Domain, files: Sequence[ClaimedFile]) -> None:
        """Return when every file's bytes are known to have its digest.

        Raises:
            DigestMismatchError: the chunks of a file add up to something else.
            ChunkCorruptError: a chunk is damaged.
        """
        keys = {file.key(): file for file in files}
        known = await self._metadata.read(
            lambda rows: rows.chunks.verified_files(domain.id, list(keys))
        )
        fresh = [key for key in keys if key not in known]
        for key in fresh:
            await self._verify(domain, keys[key])
        if fresh:
            await self.remember(domain, fresh)

    async def remember(self, domain: Domain, keys: Sequence[tuple[bytes, bytes]]) -> None:
        """Note (content digest, chunk-list digest) pairs that the server hashed itself."""
        await self._metadata.write(lambda rows: rows.chunks.remember_verified(domain.id, keys))

    async def _verify(self, domain: Domain, file: ClaimedFile) -> None:
        hasher = FileHasher()
        async with self._turns, aclosing(self._reader.stream(domain, file.chunks)) as stream:
            async for window in stream:
                await self._hashing.run(partial(_feed, hasher, window))
        if hasher.digest() != file.content_digest:
            raise DigestMismatchError(
                f"the chunks of {file.path[:200]!r} do not add up to its content digest",
                details={"path": file.path[:500]},
            )


def _feed(hasher: FileHasher, window: Sequence[memoryview]) -> None:
    for piece in window:
        hasher.update(piece)
