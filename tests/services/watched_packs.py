"""A pack store that is watched: what is read at once, and how often."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.storage.packs.interface import PackStore, PackUsage


class WatchedPacks:
    """Passes every call on, and notes the reads."""

    def __init__(self, inner: PackStore) -> None:
        self._inner = inner
        self.reads: list[list[int]] = []  # the sizes of the chunks of each read, in bytes

    @property
    def largest_read_bytes(self) -> int:
        """The most that one call has read."""
        return max(map(sum, self.reads), default=0)

    @property
    def chunk_count(self) -> int:
        """How many chunks were read."""
        return sum(map(len, self.reads))

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        return await self._inner.append(domain, chunks)

    async def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        self.reads.append([chunk.size_bytes for chunk in chunks])
        return await self._inner.read(domain, chunks)

    async def usage(self) -> PackUsage:
        return await self._inner.usage()

    async def close(self) -> None:
        await self._inner.close()
