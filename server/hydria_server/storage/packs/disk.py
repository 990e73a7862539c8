"""The pack store on a local disk: one thread writes, one reads, the loop does neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.packs.appender import PackAppender
from hydria_server.storage.packs.disk_calls import DiskCalls, SyncFailedError
from hydria_server.storage.packs.interface import Failpoint, PackUsage
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.reader import PackReader
from hydria_server.storage.packs.writer import OnFatal, PackWriter

DEFAULT_SEAL_BYTES = 128 * 1024 * 1024
DEFAULT_RESERVE_BYTES = 64 * 1024 * 1024
READS_WAITING_MAX = 64


def _do_nothing(_: object) -> None:
    """Stand in for a failpoint, and for somebody to tell of a failure."""


class DiskPackStore:
    """Keeps packs below one directory, which no other process may use. See `PackStore`.

    Make it with `open`, and use it on the event loop in which it was opened.
    """

    def __init__(
        self,
        layout: PackLayout,
        appender: PackAppender,
        *,
        on_fatal: OnFatal,
        calls: DiskCalls,
    ) -> None:
        self._layout = layout
        self._calls = calls
        self._appender = appender
        self._writer = PackWriter(appender, on_fatal=on_fatal)
        self._reader = PackReader(layout, calls=calls)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="hydria-pack-reader")
        self._read_slots = asyncio.Semaphore(READS_WAITING_MAX)
        self._closed = False

    @classmethod
    async def open(
        cls,
        root: Path,
        *,
        seal_bytes: int = DEFAULT_SEAL_BYTES,
        reserve_bytes: int = DEFAULT_RESERVE_BYTES,
        on_fatal: OnFatal = _do_nothing,
        failpoint: Failpoint = _do_nothing,
        calls: DiskCalls | None = None,
    ) -> DiskPackStore:
        """Return the store below `root`, which is made if need be.

        Packs are sealed once they hold `seal_bytes`; appends are refused that would leave less
        than `reserve_bytes` of the disk free. `on_fatal` is called once, on the loop, when a sync
        failed; what it is told is the reason.

        Raises:
            StorageUnavailableError: the directory cannot be used.
        """
        calls = (calls or DiskCalls()).reporting(failpoint)
        appender = PackAppender(
            PackLayout(root),
            seal_bytes=seal_bytes,
            reserve_bytes=reserve_bytes,
            failpoint=failpoint,
            calls=calls,
        )
        try:
            await asyncio.to_thread(appender.recover)
        except (OSError, SyncFailedError) as error:
            raise StorageUnavailableError(f"{root} cannot hold packs: {error}") from error
        return cls(PackLayout(root), appender, on_fatal=on_fatal, calls=calls)

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        self._require_open()
        return await self._writer.append(domain, chunks) if chunks else []

    async def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        async with self._read_slots:
            self._require_open()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._reading, self._reader.read, domain, chunks)

    async def usage(self) -> PackUsage:
        self._require_open()
        try:
            free = await asyncio.to_thread(self._calls.free_bytes, self._layout.root)
        except OSError as error:
            raise StorageUnavailableError("the pack directory cannot be looked at") from error
        return PackUsage(self._appender.pack_count, self._appender.stored_bytes, free)

    async def close(self) -> None:
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._reading.shutdown)
        self._reader.close()

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailableError("the pack store is closed")
