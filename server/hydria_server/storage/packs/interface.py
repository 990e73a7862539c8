"""The contract of a pack store: where chunk bytes are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hydria_server.domain.chunks import Chunk, Location, StoredChunk

Failpoint = Callable[[str], None]
"""Called with the name of a step just reached; fault tests end the process there."""


@dataclass(frozen=True, slots=True)
class PackUsage:
    """What the store holds and what room is left, in bytes."""

    pack_count: int
    stored_bytes: int
    free_bytes: int


class PackStore(Protocol):
    """Append-only packs of chunk records, each record carrying its domain and digest.

    - I1, I6: `append` returns only when every record is synced; power may fail right after.
    - I4: a location, once returned, names the same bytes for ever or nothing; never other bytes.
    - Records of one `append` lie in order, and adjacent unless a pack was sealed in between.
    - Concurrent appends are safe, and may share one sync (group commit).
    - Anything left by a crash is bytes without rows: a store that opens seals what it finds
      open, as it is, and neither truncates it nor appends to it.
    - Cancelling a call never harms the store, nor any other call.
    - After `close` every other call raises StorageUnavailableError.
    """

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        """Store `chunks` for the 16-byte `domain` id; return one location each, in order.

        The buffers must not change until it returns. A caller that is cancelled leaves at most
        garbage; the records may or may not be there.

        Raises:
            StorageFullError: there is no room; nothing of this call is acknowledged. The same
                call succeeds once there is room again.
            StorageUnavailableError: the store failed to sync once and is read-only since then
                (a failed sync is fatal, it is never retried); or no pack can be opened just now.
            ValueError: the domain is not 16 bytes long, or a digest not 32; nothing is stored.
        """
        ...

    async def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        """Return the payloads of `chunks`, in order, each checked against its record.

        Payloads that lie side by side share one buffer, which lives as long as any of them.

        Raises:
            ChunkCorruptError: a record's magic, domain, digest, length or XXH3 does not match,
                the pack is missing or too short, or the disk cannot give its bytes. It names the
                first such chunk.
            StorageUnavailableError: it cannot be told, now or here: files cannot be opened, the
                store's directory is gone, or a newer server wrote the record.
        """
        ...

    async def usage(self) -> PackUsage:
        """Return how much is stored and how much room is left.

        Raises:
            StorageUnavailableError: it cannot be told just now.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, seal the open pack, release files and threads. Idempotent."""
        ...
