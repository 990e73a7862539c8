"""An event loop on which a seed decides when threads get on, so that a history can be replayed.

What makes two runs of a server differ is when its threads do their work, and when a caller asks.
Here threads are greenlets of one real thread, and every such moment is an event from outside:
whenever the loop looks, a seed decides which of them happens now. Between two of them callbacks
run in the order in which asyncio promises to run them. Time is what the loop says it is.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from queue import Empty
from typing import Any, Generic, TypeVar

import pytest
from greenlet import getcurrent, greenlet

T = TypeVar("T")

EAGERNESS = 0.3  # how often something happens outside although the loop is still busy


class StoppedHereError(BaseException):
    """The loop came to the step at which it was to stop."""


class SeededLoop(asyncio.SelectorEventLoop):
    """Runs everything in one thread, in an order that `source` decides."""

    def __init__(self, source: random.Random) -> None:
        super().__init__()
        self.steps = 0
        self.stop_at: int | None = None
        self._source = source
        self._outside: list[Callable[[], object]] = []
        self._now = 0.0

    def happen_outside(self, event: Callable[[], object]) -> None:
        """Let `event` happen when the seed says so."""
        self._outside.append(event)

    def time(self) -> float:
        return self._now

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self,
        _executor: object,
        func: Callable[..., T],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.Future[T]:
        """Run `func` in a fiber of its own, as in a thread that was free."""
        future: asyncio.Future[T] = self.create_future()
        fiber = Fiber(lambda: _settle(future, lambda: func(*args)), loop=self)
        fiber.start()
        return future

    def _run_once(self) -> None:
        self.steps += 1
        if self.stop_at is not None and self.steps >= self.stop_at:
            self.stop_at = None
            raise StoppedHereError
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if self._outside and (not ready or self._source.random() < EAGERNESS):
            self.call_soon(self._outside.pop(self._source.randrange(len(self._outside))))
        elif not ready and scheduled:
            self._now = max(self._now, scheduled[0]._when)
        elif not ready:
            raise AssertionError("everybody waits for somebody else")
        super()._run_once()  # type: ignore[misc]


class Fiber:
    """Stands in for `threading.Thread`: runs until it has to wait, and then lets others run."""

    def __init__(
        self,
        target: Callable[..., object],
        args: tuple[object, ...] = (),
        name: str = "",
        daemon: bool = False,
        *,
        loop: SeededLoop | None = None,
    ) -> None:
        running = asyncio.get_event_loop()
        assert isinstance(running, SeededLoop)
        self.name, self.daemon = name, daemon
        self.loop = loop or running
        self._work: Callable[[], object] = lambda: target(*args)
        self._joining: list[Fiber] = []
        self._greenlet = greenlet(self._run)
        self._greenlet.fiber = self  # type: ignore[attr-defined]

    def start(self) -> None:
        self.wake()

    def go_on(self) -> None:
        """Run until the next wait; a fiber that has ended does nothing."""
        if not self._greenlet.dead:
            self._greenlet.parent = getcurrent()
            self._greenlet.switch()

    def join(self) -> None:
        """Wait, as a fiber does, until this one has ended."""
        if not self._greenlet.dead:
            self._joining.append(current_fiber())
            pause()

    def wake(self) -> None:
        """Let it go on some time later."""
        self.loop.happen_outside(self.go_on)

    def _run(self) -> None:
        self._work()
        for fiber in self._joining:
            fiber.wake()


def current_fiber() -> Fiber:
    """Return the fiber that is running."""
    fiber = getattr(getcurrent(), "fiber", None)
    assert isinstance(fiber, Fiber), "only a thread may wait"
    return fiber


def pause() -> None:
    """Let others run; whoever calls this has seen to it that somebody wakes the fiber."""
    parent = getcurrent().parent
    assert parent is not None
    parent.switch()


class FiberQueue(Generic[T]):
    """Stands in for `queue.SimpleQueue`: one fiber takes, anybody puts."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._waiting: Fiber | None = None

    def put(self, item: T) -> None:
        self._items.append(item)
        if self._waiting is not None:
            fiber, self._waiting = self._waiting, None
            fiber.wake()

    put_nowait = put

    def get(self) -> T:
        while not self._items:
            self._waiting = current_fiber()
            pause()
        return self._items.popleft()

    def get_nowait(self) -> T:
        if not self._items:
            raise Empty
        return self._items.popleft()


class _FiberFuture(Generic[T]):
    """What a fiber gets for a coroutine that it sends to the loop."""

    def __init__(self, task: asyncio.Task[T]) -> None:
        self._task = task

    def result(self, timeout: float | None = None) -> T:
        """Wait for it. The loop's time stands still meanwhile, so nothing times out."""
        if not self._task.done():
            fiber = current_fiber()
            self._task.add_done_callback(lambda _: fiber.wake())
            pause()
        try:
            return self._task.result()
        except asyncio.CancelledError:
            raise concurrent.futures.CancelledError from None


def _run_coroutine(step: Coroutine[Any, Any, T], loop: SeededLoop) -> _FiberFuture[T]:
    return _FiberFuture(loop.create_task(step))


def _settle(future: asyncio.Future[T], work: Callable[[], T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)


@contextmanager
def threads_as_fibers() -> Iterator[None]:
    """Let the pack writer, SQLite's connections and the merge of a commit run as fibers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hydria_server.storage.packs.writer.Thread", Fiber)
        patch.setattr("hydria_server.storage.packs.writer.SimpleQueue", FiberQueue)
        patch.setattr("aiosqlite.core.Thread", Fiber)
        patch.setattr("aiosqlite.core.SimpleQueue", FiberQueue)
        patch.setattr("asyncio.run_coroutine_threadsafe", _run_coroutine)
        yield
