"""The thread that writes: appends queue up while it syncs, and it takes them all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

from hydria_server.domain.chunks import Chunk, Location
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.packs.appender import PackAppender
from hydria_server.storage.packs.record import EncodedRecords, encode_records

GROUP_BYTES = 32 * 1024 * 1024
APPENDS_WAITING_MAX = 256

OnFatal = Callable[[BaseException], None]
"""Called once, on the event loop, when the store failed for good; with the reason."""

_Outcome = list[Location] | Exception
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Append:
    domain: bytes
    chunks: Sequence[Chunk]
    size_bytes: int
    done: asyncio.Future[list[Location]]


class PackWriter:
    """Hands appends to one thread and brings their outcomes back to the loop it was made in."""

    def __init__(self, appender: PackAppender, *, on_fatal: OnFatal) -> None:
        self._appender = appender
        self._on_fatal = on_fatal
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(APPENDS_WAITING_MAX)
        self._queue: SimpleQueue[_Append | None] = SimpleQueue()
        self._closing = False
        self._last_group_taken = False
        self._failure: BaseException | None = None
        # A daemon, as a process that forgets to close must still end: that is a crash like others.
        self._thread = Thread(target=self._work, name="hydria-pack-writer", daemon=True)
        self._thread.start()

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        """As `PackStore.append`."""
        await self._slots.acquire()
        if self._closing:
            self._slots.release()
            raise StorageUnavailableError("the pack store is closed")
        size = sum(chunk.size_bytes for chunk in chunks)
        done: asyncio.Future[list[Location]] = self._loop.create_future()
        self._queue.put(_Append(domain, chunks, size, done))
        return await done

    async def close(self) -> None:
        """Finish what was accepted, seal the open pack, end the thread. Idempotent."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- in the thread ---------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._last_group_taken:
            group = self._next_group()
            self._tell(partial(self._settle, group, self._outcomes(group)))
            self._guard(self._appender.seal_if_due)
        self._guard(self._appender.seal)

    def _next_group(self) -> list[_Append]:
        """Wait for an append, then take whatever else waits, up to 32 MiB or a little more."""
        group: list[_Append] = []
        size = 0
        following = self._queue.get()
        while following is not None:
            group.append(following)
            size += following.size_bytes
            if size >= GROUP_BYTES:
                return group
            try:
                following = self._queue.get_nowait()
            except Empty:
                return group
        self._last_group_taken = True
        return group

    def _outcomes(self, group: Sequence[_Append]) -> list[_Outcome]:
        encoded = [_encode(append) for append in group]
        storable = [records for records in encoded if isinstance(records, EncodedRecords)]
        stored = iter(self._store(storable))
        return [e if isinstance(e, Exception) else next(stored) for e in encoded]

    def _store(self, records: Sequence[EncodedRecords]) -> Sequence[_Outcome]:
        if records and self._failure is None:
            try:
                return self._appender.append(records)
            except BaseException as error:  # noqa: BLE001 - whatever it is, nothing more is written
                self._fail(error)
        return [_unavailable(self._failure) for _ in records]

    def _guard(self, step: Callable[[], None]) -> None:
        if self._failure is None:
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - as above
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        _logger.critical("the pack store failed and takes no more writes", exc_info=error)
        self._failure = error
        self._appender.abandon()
        self._tell(partial(self._on_fatal, error))

    def _tell(self, news: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed, and whoever waited is gone with it
            self._loop.call_soon_threadsafe(news)

    # --- on the loop -----------------------------------------------------------------------------

    def _settle(self, group: Sequence[_Append], outcomes: Sequence[_Outcome]) -> None:
        for append, outcome in zip(group, outcomes, strict=True):
            self._slots.release()
            if append.done.done():  # its caller was cancelled
                continue
            if isinstance(outcome, list):
                append.done.set_result(outcome)
            else:
                append.done.set_exception(outcome)


def _encode(append: _Append) -> EncodedRecords | Exception:
    try:
        return encode_records(append.domain, append.chunks)
    except Exception as error:  # noqa: BLE001 - a malformed append fails alone
        return error


def _unavailable(reason: BaseException | None) -> StorageUnavailableError:
    error = StorageUnavailableError(
        "the pack store failed and takes no more writes; the server must be restarted"
    )
    error.__cause__ = reason
    return error
