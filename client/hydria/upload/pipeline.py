"""From files to durable chunks: scan, ask what is missing, send it, hand on what is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from hydria.groups import first_error
from hydria.progress import ProgressMeter
from hydria.scan_cache import ScanCache
from hydria.threads import Stop, run_in_thread
from hydria.upload.keeping import Keeper
from hydria.upload.lanes import Batch, Lane, Outbox
from hydria.upload.pieces import Entry, Piece, Window
from hydria.upload.scanner import Scanner, ScanSettings
from hydria.upload.session import UploadSession
from hydria.upload.sources import Source, local_files

EntrySink = Callable[[Sequence[Entry]], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """What an upload came to, as UploadResult reports it."""

    file_count: int = 0
    size_bytes: int = 0
    new_bytes: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """What all uploads of a client share."""

    executor: ThreadPoolExecutor
    scan: ScanSettings
    open_cache: Callable[[], ScanCache]
    open_keeper: Callable[[ScanCache, Stop], Keeper]
    stream_count: int
    unacked_bytes_max: int


class Pipeline:
    """Captures files for one upload session, in one `run`."""

    def __init__(
        self,
        session: UploadSession,
        settings: PipelineSettings,
        *,
        tally: Tally,
        meter: ProgressMeter,
    ) -> None:
        self._session = session
        self._settings = settings
        self._tally = tally
        self._meter = meter
        self._outbox = Outbox()
        self._windows: set[Window] = set()  # whose buffers are not given back yet
        self._in_flight: dict[bytes, Batch] = {}
        self._unread: dict[str, str] = {}  # path in the version: on this machine
        self._offers_open = 0

    async def run(self, sources: Iterable[Source], sink: EntrySink) -> None:
        """Capture `sources`; `sink` gets every file once all its chunks are there.

        Raises:
            OSError: a file cannot be read.
            SourceError: a file cannot be logged, or kept changing.
            HydriaError: the upload cannot go on.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._settings.stream_count):
                    tasks.create_task(self._lane().run())
                await self._pass(sources, sink, trust_cache=True)
                unread, self._unread = self._unread, {}
                if unread:
                    await self._pass(local_files(unread), sink, trust_cache=False)
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        finally:
            for window in self._windows:
                window.release()

    def _lane(self) -> Lane:
        limit = min(
            self._settings.unacked_bytes_max // self._settings.stream_count,
            self._session.limits.max_unacked_bytes,
        )
        return Lane(self._session, self._outbox, unacked_bytes_max=limit, on_sent=self._count_sent)

    def _count_sent(self, size_bytes: int) -> None:
        self._tally.sent_bytes += size_bytes
        self._meter.add(sent_bytes=size_bytes)

    async def _pass(self, sources: Iterable[Source], sink: EntrySink, *, trust_cache: bool) -> None:
        scanned: asyncio.Queue[Window | None] = asyncio.Queue()
        offered: asyncio.Queue[tuple[Window, asyncio.Task[set[Batch]]] | None] = asyncio.Queue()
        self._offers_open = 1  # the scan: until it ends there may be more
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._scan(sources, scanned, trust_cache=trust_cache))
            tasks.create_task(self._complete(offered, sink))
            while window := await scanned.get():
                self._offers_open += 1
                offered.put_nowait((window, tasks.create_task(self._offer(window))))
            offered.put_nowait(None)
            self._end_offer()

    # --- scan -----------------------------------------------------------------------------------

    async def _scan(
        self,
        sources: Iterable[Source],
        scanned: asyncio.Queue[Window | None],
        *,
        trust_cache: bool,
    ) -> None:
        """Run a scanner in a thread, and be there until the thread has ended."""
        loop = asyncio.get_running_loop()
        stop = Stop()
        settings = replace(self._settings.scan, trust_cache=trust_cache)

        def take(window: Window) -> None:
            self._windows.add(window)
            scanned.put_nowait(window)

        def emit(window: Window) -> None:
            loop.call_soon_threadsafe(take, window)

        def scan() -> None:
            open_cache, open_keeper = self._settings.open_cache, self._settings.open_keeper
            with open_cache() as cache, open_keeper(cache, stop) as keeper:
                scanner = Scanner(settings, cache=cache, emit=emit, stop=stop, keep=keeper.keep)
                scanner.scan(sources)

        def end() -> None:
            stop.set()
            settings.pool.wake()
            settings.remembered_pool.wake()

        await run_in_thread(self._settings.executor, scan, stop=end)
        scanned.put_nowait(None)

    # --- ask and send ---------------------------------------------------------------------------

    async def _offer(self, window: Window) -> set[Batch]:
        """Put what the server lacks of a window into the outbox; return what to wait for."""
        missing = await self._session.find_missing(window.pieces)
        waits: set[Batch] = set()
        batch = Batch()
        for piece in missing:
            holder = self._in_flight.get(piece.digest)
            if holder is not None:
                waits.add(holder)
            elif piece.data is None:
                assert piece.source is not None
                self._unread[piece.source.path] = piece.source.local
            else:
                if batch.is_full_for(piece):
                    self._outbox.put(batch)
                    batch = Batch()
                self._claim(piece, batch)
                waits.add(batch)
        if batch.pieces:
            self._outbox.put(batch)
        self._end_offer()
        return waits

    def _claim(self, piece: Piece, batch: Batch) -> None:
        batch.add(piece)
        self._in_flight[piece.digest] = batch
        if piece.is_content:
            self._tally.new_bytes += piece.size_bytes

    def _end_offer(self) -> None:
        """Close the outbox after the last offer, so that streams end with their last batch."""
        self._offers_open -= 1
        if not self._offers_open and not self._unread:
            self._outbox.close()

    # --- complete -------------------------------------------------------------------------------

    async def _complete(
        self,
        offered: asyncio.Queue[tuple[Window, asyncio.Task[set[Batch]]] | None],
        sink: EntrySink,
    ) -> None:
        """Hand on the files of each window, in order, once all of it is durable."""
        while item := await offered.get():
            window, offer = item
            batches = await offer
            for batch in batches:
                await batch.durable.wait()
            for piece in window.pieces:
                if self._in_flight.get(piece.digest) in batches:
                    del self._in_flight[piece.digest]
            await self._hand_on(window, sink)
            self._windows.discard(window)
            window.release()

    async def _hand_on(self, window: Window, sink: EntrySink) -> None:
        entries = window.entries
        unread_bytes = 0
        if self._unread:
            unread = [entry for entry in entries if entry.path in self._unread]
            entries = [entry for entry in entries if entry.path not in self._unread]
            unread_bytes = sum(entry.size_bytes for entry in unread)
        self._tally.file_count += len(entries)
        self._tally.size_bytes += sum(entry.size_bytes for entry in entries)
        await sink(entries)
        self._meter.add(files_done=len(entries), bytes_done=window.content_bytes - unread_bytes)
