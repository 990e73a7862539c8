"""What the parts of one client share: the connection, threads, the cache, the server's numbers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hydria.catalog import Catalog
from hydria.connection import Connection
from hydria.options import TransferOptions
from hydria.records import ChunkerParameters, ServerInfo
from hydria.scan_cache import ScanCache

_THREADS = 4


class Runtime:
    """The shared means of one client, alive until `close`."""

    def __init__(
        self, connection: Connection, *, options: TransferOptions, cache_directory: Path
    ) -> None:
        self.connection = connection
        self.catalog = Catalog(connection)
        self.options = options
        self.executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="hydria")
        self._cache_directory = cache_directory
        self._info: ServerInfo | None = None
        self._asking = asyncio.Lock()

    async def server_info(self) -> ServerInfo:
        """Return what the server said of itself when it was first asked.

        Raises:
            HydriaError: it cannot be asked.
        """
        async with self._asking:
            if self._info is None:
                self._info = await self.catalog.server_info()
            return self._info

    def open_cache(self, chunker: ChunkerParameters) -> ScanCache:
        """Return the scan cache, for one thread; it is opened by entering it."""
        return ScanCache(self._cache_directory, chunker)

    async def close(self) -> None:
        """Close the connection and let the threads go."""
        await self.connection.close()
        self.executor.shutdown(wait=False, cancel_futures=True)
