"""Refuses new uploads while there is still room for the database."""

from __future__ import annotations

from hydria_server.domain.errors import StorageFullError
from hydria_server.storage.packs.interface import PackStore


class Capacity:
    """Knows how much room must stay free."""

    def __init__(self, packs: PackStore, *, reserve_bytes: int) -> None:
        self._packs = packs
        self._reserve_bytes = reserve_bytes

    async def require_room(self) -> None:
        """Return if new bytes may come.

        Raises:
            StorageFullError: less than the reserve is free. Reads and deletes go on.
        """
        free = (await self._packs.usage()).free_bytes
        if free < self._reserve_bytes:
            raise StorageFullError(
                "the server's disk is full; it takes new content again when it has more room",
                details={"free_bytes": str(free)},
            )
