"""Chunks checked by everything that is known of them: index, record, XXH3 and BLAKE3."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.records import Domain
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.hashing import Hashing


class ChunkAudit:
    """Reads chunks without failing for those that are damaged; these are marked."""

    def __init__(self, reader: ChunkReader, hashing: Hashing) -> None:
        self._reader = reader
        self._hashing = hashing

    async def check(self, domain: Domain, refs: Sequence[ChunkRef]) -> list[memoryview | None]:
        """Return the bytes of each chunk, in order; None for what is not what its digest says."""
        found = await self._reader.read_intact(domain, refs)
        intact = [chunk for chunk in found if chunk is not None]
        digests = iter(await self._hashing.digests([data for _, data in intact]))
        payloads = [
            None if chunk is None or next(digests) != ref.digest else chunk[1]
            for chunk, ref in zip(found, refs, strict=True)
        ]
        await self._reader.mark_corrupt(
            domain,
            [
                chunk[0]
                for chunk, data in zip(found, payloads, strict=True)
                if chunk is not None and data is None
            ],
        )
        return payloads
