"""Chunks out: from digests to verified bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress

from hydria_server.domain.chunks import ChunkRef, ChunkState, StoredChunk
from hydria_server.domain.errors import (
    ChunkCorruptError,
    StorageFullError,
    StorageUnavailableError,
)
from hydria_server.domain.records import Domain
from hydria_server.services.read_ahead import read_ahead
from hydria_server.storage.metadata.interface import IndexedChunk, MetadataStore, Rows
from hydria_server.storage.packs.interface import PackStore

WINDOW_BYTES = 4 * 1024 * 1024
WINDOW_CHUNKS = 1000


class ChunkReader:
    """Reads chunks of a domain. Damaged ones are marked, and never served."""

    def __init__(self, packs: PackStore, metadata: MetadataStore) -> None:
        self._packs = packs
        self._metadata = metadata

    async def read(self, domain: Domain, refs: Sequence[ChunkRef]) -> list[memoryview]:
        """Return the bytes of each chunk, in order.

        Raises:
            ChunkCorruptError: a chunk is damaged or lost; it counts as missing from now on, so
                that an upload of the same content repairs it.
        """
        rows = await self._rows(domain, refs)
        stored: list[StoredChunk] = []
        for ref in refs:
            row = rows.get(ref.digest)
            # CONDEMNED ones are still there for those who began to read before, and CORRUPT ones
            # are tried again: the disk may have failed for a moment only, and bad bytes are found.
            if row is None or row.chunk.size_bytes != ref.size_bytes:
                raise ChunkCorruptError(ref.digest)
            stored.append(row.chunk)
        return await self._read(domain, stored)

    async def _rows(self, domain: Domain, refs: Sequence[ChunkRef]) -> dict[bytes, IndexedChunk]:
        digests = list({ref.digest: None for ref in refs})
        return await self._metadata.read(lambda rows: rows.chunks.find(domain.id, digests))

    async def _read(self, domain: Domain, stored: list[StoredChunk]) -> list[memoryview]:
        try:
            return await self._packs.read(domain.key, stored)
        except ChunkCorruptError:
            # All of them at once, so that one upload of the same content repairs what it can.
            await self._read_each(domain, stored)
            raise

    async def read_intact(
        self, domain: Domain, refs: Sequence[ChunkRef]
    ) -> list[tuple[StoredChunk, memoryview] | None]:
        """Return where each chunk lies and its bytes, in order; None for what is damaged or lost.

        What is damaged is marked, as by `read`.
        """
        rows = await self._rows(domain, refs)
        found = [
            row.chunk
            if (row := rows.get(ref.digest)) and row.chunk.size_bytes == ref.size_bytes
            else None
            for ref in refs
        ]
        stored = [chunk for chunk in found if chunk]
        try:
            intact = dict(zip(stored, await self._packs.read(domain.key, stored), strict=True))
        except ChunkCorruptError:
            intact = await self._read_each(domain, stored)
        return [(chunk, intact[chunk]) if chunk and chunk in intact else None for chunk in found]

    async def _read_each(
        self, domain: Domain, stored: Sequence[StoredChunk]
    ) -> dict[StoredChunk, memoryview]:
        """Return the bytes of those that are intact, and mark the others."""
        intact: dict[StoredChunk, memoryview] = {}
        damaged: list[StoredChunk] = []
        for chunk in dict.fromkeys(stored):
            try:
                (intact[chunk],) = await self._packs.read(domain.key, [chunk])
            except ChunkCorruptError:
                damaged.append(chunk)
        await self.mark_corrupt(domain, damaged)
        return intact

    async def mark_corrupt(self, domain: Domain, damaged: Sequence[StoredChunk]) -> None:
        """Note what is damaged; where nothing can be written, it is found again next time."""

        async def mark(rows: Rows) -> None:
            for chunk in damaged:
                await rows.chunks.mark_corrupt(domain.id, chunk)

        with suppress(StorageFullError, StorageUnavailableError):
            await self._metadata.write(mark)

    async def read_one(self, domain: Domain, ref: ChunkRef) -> bytes:
        """Return the bytes of one chunk."""
        return bytes((await self.read(domain, [ref]))[0])

    async def live_sizes(self, domain: Domain, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Return the sizes in bytes of those chunks that are LIVE."""
        rows = await self._metadata.read(lambda rows: rows.chunks.find(domain.id, digests))
        return {
            digest: row.chunk.size_bytes
            for digest, row in rows.items()
            if row.state is ChunkState.LIVE
        }

    def stream(
        self, domain: Domain, refs: Iterable[ChunkRef]
    ) -> AsyncGenerator[list[memoryview], None]:
        """Yield the bytes of the chunks, window by window, one window ahead of the caller.

        Raises:
            ChunkCorruptError: as `read`.
        """
        return read_ahead(self._windows(domain, refs))

    async def _windows(
        self, domain: Domain, refs: Iterable[ChunkRef]
    ) -> AsyncGenerator[list[memoryview], None]:
        for window in windows(refs):
            yield await self.read(domain, window)


def windows(refs: Iterable[ChunkRef]) -> Iterable[list[ChunkRef]]:
    """Yield `refs` in runs of at most 4 MiB (or one chunk) and 1,000 chunks."""
    window: list[ChunkRef] = []
    size = 0
    for ref in refs:
        if window and (size + ref.size_bytes > WINDOW_BYTES or len(window) >= WINDOW_CHUNKS):
            yield window
            window, size = [], 0
        window.append(ref)
        size += ref.size_bytes
    if window:
        yield window
