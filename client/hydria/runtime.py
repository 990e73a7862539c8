"""What the parts of one client share: the connection, threads, the cache, the server's numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from hydria.catalog import Catalog
from hydria.connection import Connection
from hydria.local_cache import LocalCache
from hydria.options import CacheUse, TransferOptions
from hydria.records import ChunkerParameters, ServerInfo
from hydria.scan_cache import ScanCache

# One for each transfer that goes on, and some for what they wait for; they begin when needed.
_THREADS = 16
_CLOSE_SECONDS = 30.0


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
        self._operations_open = 0
        self._is_idle = asyncio.Event()

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

    def open_local_cache(self, *, link: bool) -> LocalCache:
        """Return the cache of downloaded files, for one download, as the options have it."""
        return LocalCache(
            self._cache_directory,
            bytes_max=self.options.cache_bytes_max,
            use=self.options.cache,
            link=link,
        )

    def open_upload_cache(self) -> LocalCache:
        """Return the same cache for one upload, which keeps all of it or, as a rule, nothing."""
        options = self.options
        is_wanted = options.cache_uploads and options.cache is not CacheUse.OFF
        return LocalCache(
            self._cache_directory,
            bytes_max=options.cache_bytes_max,
            use=CacheUse.ON if is_wanted else CacheUse.OFF,
        )

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Hold off the end of the threads while the block uses them."""
        self._operations_open += 1
        try:
            yield
        finally:
            self._operations_open -= 1
            if not self._operations_open:
                self._is_idle.set()

    async def close(self) -> None:
        """Close the connection, let operations fail and clean up, and let the threads go."""
        await self.connection.close()
        self._is_idle.clear()
        if self._operations_open:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._is_idle.wait()
        self.executor.shutdown(wait=False, cancel_futures=True)
