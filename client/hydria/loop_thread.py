"""One event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import TypeVar

from hydria.channel import check_not_forked
from hydria.errors import ClientClosedError, ForkedProcessError

_Result = TypeVar("_Result")

_STOP_SECONDS = 10.0


class LoopThread:
    """Runs coroutines for other threads. The loop begins with the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._finalizer: weakref.finalize[..., LoopThread] | None = None
        self._pid = 0
        self._is_closed = False

    @property
    def is_running(self) -> bool:
        """Whether there is a loop, in this very process."""
        return self._loop is not None and self._pid == os.getpid() and not self._is_closed

    def run(self, work: Coroutine[object, object, _Result]) -> _Result:
        """Return what the coroutine returns; an interrupt cancels it, and waits until it is over.

        Raises:
            ClientClosedError: `close` was called, or the loop's own thread calls.
            ForkedProcessError: the loop runs in the process that this one was forked from.
            BaseException: what the coroutine raises.
        """
        try:
            loop = self._started()
        except BaseException:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            _wait(future)
            raise

    def iterate(self, items: AsyncIterator[_Result]) -> Iterator[_Result]:
        """Yield what an async iterator yields. Raises as `run`."""

        async def following() -> tuple[_Result] | None:
            async for item in items:
                return (item,)
            return None

        try:
            while (item := self.run(following())) is not None:
                yield item[0]
        finally:
            close = getattr(items, "aclose", None)
            if close is not None and self.is_running:
                self.run(close())

    def close(self) -> None:
        """End the loop and its thread. Closing twice is fine."""
        self._is_closed = True
        if self._finalizer is not None and self._pid == os.getpid():
            self._finalizer()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise ClientClosedError("this client was closed; make another one")
            if self._loop is None:
                check_not_forked()
                self._start()
            elif self._pid != os.getpid():
                check_not_forked()
                raise ForkedProcessError("this client belongs to the parent process; make another")
            elif self._thread is threading.current_thread():
                raise ClientClosedError("a callback of the client must not call the client")
            assert self._loop is not None
            return self._loop

    def _start(self) -> None:
        self._pid = os.getpid()
        self._loop = loop = asyncio.new_event_loop()
        self._thread = thread = threading.Thread(target=_run, args=(loop,), daemon=True)
        thread.name = "hydria-loop"
        thread.start()
        # Also at the end of the process, or when the client is forgotten without being closed.
        self._finalizer = weakref.finalize(self, _stop, loop, thread, self._pid)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        _end_tasks(loop)
    finally:
        loop.close()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs, such as the renewing of a draft that was left open."""
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, pid: int) -> None:
    if pid != os.getpid() or not thread.is_alive():
        return
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(_STOP_SECONDS)


def _wait(future: Future[_Result]) -> None:
    """Wait until cancelled work has cleaned up after itself, but not for ever."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    done.wait(_STOP_SECONDS)
