"""The pack store in memory, for tests: the same records, checked by the same code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.domain.errors import (
    ChunkCorruptError,
    StorageFullError,
    StorageUnavailableError,
)
from hydria_server.storage.packs.interface import PackUsage
from hydria_server.storage.packs.pack_id import PackIds
from hydria_server.storage.packs.record import (
    PACK_HEADER_BYTES,
    RecordDamagedError,
    encode_records,
    payload_of,
)

UNLIMITED_BYTES = 1 << 62


class MemoryDisk:
    """What outlives a `MemoryPackStore`, as a disk would: hand it to the next one.

    The methods that are not needed to store and read are for tests that do it harm.
    """

    def __init__(self, *, capacity_bytes: int = UNLIMITED_BYTES) -> None:
        self.capacity_bytes = capacity_bytes
        self.syncs_fail = False
        self.pack_sizes: dict[str, int] = {}
        self._ids = PackIds()
        self._records: dict[tuple[str, int], bytes] = {}

    def new_pack(self) -> str:
        """Begin a pack and return its id."""
        pack_id = self._ids.next()
        self.pack_sizes[pack_id] = PACK_HEADER_BYTES
        return pack_id

    def write(self, pack_id: str, record: bytes) -> None:
        """Put `record` at the end of the pack."""
        self._records[pack_id, self.pack_sizes[pack_id]] = record
        self.pack_sizes[pack_id] += len(record)

    def record_at(self, location: Location) -> bytes:
        """Return the record that begins at `location`, or no bytes if none does."""
        return self._records.get((location.pack_id, location.offset), b"")

    @property
    def stored_bytes(self) -> int:
        """The size of all packs together."""
        return sum(self.pack_sizes.values())

    def flip_byte(self, location: Location, at: int) -> None:
        """Damage the byte at `at` of the record at `location`, its header included."""
        record = bytearray(self.record_at(location))
        record[at] ^= 0xFF
        self._records[location.pack_id, location.offset] = bytes(record)

    def cut(self, location: Location, at: int) -> None:
        """End the pack after `at` bytes of the record at `location`."""
        for pack_id, offset in list(self._records):
            if pack_id == location.pack_id and offset > location.offset:
                del self._records[pack_id, offset]
        self._records[location.pack_id, location.offset] = self.record_at(location)[:at]

    def lose(self, pack_id: str) -> None:
        """Forget the pack."""
        self._records = {key: kept for key, kept in self._records.items() if key[0] != pack_id}
        self.pack_sizes.pop(pack_id)


class MemoryPackStore:
    """Keeps packs in memory. See `PackStore`."""

    def __init__(self, disk: MemoryDisk | None = None, *, seal_bytes: int = 1 << 27) -> None:
        self.disk = disk or MemoryDisk()
        self._seal_bytes = seal_bytes
        self._pack_id: str | None = None
        self._failed = False
        self._closed = False

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        await asyncio.sleep(0)  # a real store lets others run here, and tests must see that
        self._require_open()
        records = encode_records(domain, chunks)
        if self.disk.stored_bytes + records.size_bytes > self.disk.capacity_bytes:
            raise StorageFullError("the store has no room for more chunks")
        self._failed = self._failed or self.disk.syncs_fail
        if self._failed:
            raise StorageUnavailableError("the pack store failed and takes no more writes")
        return [self._append(domain, chunk) for chunk in chunks]

    async def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        await asyncio.sleep(0)
        self._require_open()
        return [self._read(domain, chunk) for chunk in chunks]

    async def usage(self) -> PackUsage:
        self._require_open()
        stored = self.disk.stored_bytes
        return PackUsage(len(self.disk.pack_sizes), stored, self.disk.capacity_bytes - stored)

    async def close(self) -> None:
        self._closed = True

    def _append(self, domain: bytes, chunk: Chunk) -> Location:
        if self._pack_id is None or self.disk.pack_sizes[self._pack_id] >= self._seal_bytes:
            self._pack_id = self.disk.new_pack()
        records = encode_records(domain, [chunk])
        (location,) = records.locations(self._pack_id, self.disk.pack_sizes[self._pack_id])
        self.disk.write(self._pack_id, b"".join(records.pieces))
        return location

    def _read(self, domain: bytes, chunk: StoredChunk) -> memoryview:
        record = memoryview(self.disk.record_at(chunk.location))
        try:
            return payload_of(record, domain, chunk)
        except RecordDamagedError as error:
            raise ChunkCorruptError(chunk.digest) from error

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailableError("the pack store is closed")
