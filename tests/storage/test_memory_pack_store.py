"""The pack store in memory."""

from __future__ import annotations

import pytest

from hydria_server.domain.chunks import Location
from hydria_server.storage.packs.interface import PackStore
from hydria_server.storage.packs.memory import MemoryDisk, MemoryPackStore
from tests.conformance.pack_store import PackStoreContract


class MemoryRig:
    def __init__(self) -> None:
        self.disk = MemoryDisk()

    async def open(self, *, seal_bytes: int = 1 << 27) -> PackStore:
        return MemoryPackStore(self.disk, seal_bytes=seal_bytes)

    async def crash(self, store: PackStore) -> None:
        await store.close()

    def flip_byte(self, location: Location, at: int) -> None:
        self.disk.flip_byte(location, at)

    def cut(self, location: Location, at: int) -> None:
        self.disk.cut(location, at)

    def lose(self, pack_id: str) -> None:
        self.disk.lose(pack_id)

    def leave_room(self, size_bytes: int) -> None:
        self.disk.capacity_bytes = self.disk.stored_bytes + size_bytes

    def fail_syncs(self) -> None:
        self.disk.syncs_fail = True

    def heal_syncs(self) -> None:
        self.disk.syncs_fail = False


class TestMemoryPackStore(PackStoreContract):
    @pytest.fixture
    def rig(self) -> MemoryRig:
        return MemoryRig()
