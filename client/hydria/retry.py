"""How long to keep trying, and how long to wait between two tries."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hydria.errors import HydriaError, ServerUnavailableError, StreamStalledError

_Result = TypeVar("_Result")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 10.0


class Patience:
    """Tries again after UNAVAILABLE, until nothing has moved for `limit_seconds`.

    One belongs to one operation, however many calls that makes: what moves in one of them is
    progress for all. Waits grow from 0.1 s to 10 s with full jitter, so that the clients of a
    server that comes back do not come back together.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self._failing_since: float | None = None
        self._failures = 0

    def moved(self) -> None:
        """Note that something was achieved: the waiting begins anew."""
        self._failing_since = None
        self._failures = 0

    async def wait_after(self, error: HydriaError) -> None:
        """Wait a little before the next try.

        Raises:
            HydriaError: `error` itself, when patience is at its end.
        """
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        left_seconds = self._failing_since + self.limit_seconds - now
        if left_seconds <= 0:
            raise error
        ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 20))
        self._failures += 1
        await asyncio.sleep(min(random.uniform(0, ceiling), left_seconds))

    async def wait_after_stream(self, error: HydriaError, *, has_moved: bool) -> None:
        """Wait before a stream is begun again; one that stalled and moved nothing is not.

        Raises:
            HydriaError: `error` itself, as `wait_after` or because the stream only stalled.
        """
        if has_moved:
            self.moved()
        elif isinstance(error, StreamStalledError):
            raise error
        await self.wait_after(error)

    async def run(
        self, call: Callable[[], Awaitable[_Result]], *, is_progress: bool = True
    ) -> _Result:
        """Return what `call` returns, trying again while the server is unavailable.

        Raises:
            HydriaError: what `call` raises, other than UNAVAILABLE or at the end of patience.
        """
        while True:
            try:
                result = await call()
            except ServerUnavailableError as error:
                await self.wait_after(error)
            else:
                if is_progress:
                    self.moved()
                return result
