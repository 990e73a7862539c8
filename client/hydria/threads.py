"""Blocking work in a thread, that is never left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The work is not wanted any more. It never leaves the library."""


class Stop:
    """Tells work in a thread to end; the work looks at it now and then."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Ask the work to end."""
        self.is_set = True

    def check(self) -> None:
        """Raise `StoppedError` once the work shall end."""
        if self.is_set:
            raise StoppedError


async def run_in_thread(
    executor: Executor, work: Callable[[], _Result], *, stop: Callable[[], None]
) -> _Result:
    """Return what `work` returns, from a thread of `executor`.

    When the caller is cancelled, `stop` is called, and the cancellation goes on once the thread
    is done with `work`: what the thread uses may be taken away after that.

    Raises:
        BaseException: what `work` raises.
    """
    job = executor.submit(work)
    done = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop()
        if not job.cancel():
            await asyncio.wait([done])
            done.exception()  # looked at, so that nobody complains that it was not
        raise
