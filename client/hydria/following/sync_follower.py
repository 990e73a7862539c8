"""A follower for code without an event loop: it runs on the loop of its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from hydria.errors import CallTimeoutError
from hydria.following.follower import AsyncModelFollower
from hydria.following.records import ServedVersion
from hydria.loop_thread import LoopThread


class ModelFollower:
    """Follows in the background from `start` to `close`: `Client.follow` makes one.

    Leave it by `with`, or call `close`.
    """

    def __init__(self, follower: AsyncModelFollower, loop: LoopThread) -> None:
        self._follower = follower
        self._loop = loop
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> ServedVersion | None:
        """The version in place; None before there is one."""
        return self._follower.current

    def start(self, timeout_seconds: float | None = None) -> ServedVersion:
        """Begin to follow; return the version in place once there is one.

        Args:
            timeout_seconds: how long to wait for that; None for as long as it takes. Following
                goes on afterwards in any case.

        Raises:
            CallTimeoutError: it took longer.
            FollowerRunningError: another follower keeps the directory.
            FollowRootError: something is in place there that Hydria has not made.
            OSError: the directory cannot be used at all.
        """
        return self._loop.run(self._start(timeout_seconds))

    async def _start(self, timeout_seconds: float | None) -> ServedVersion:
        if self._task is None:
            self._task = asyncio.create_task(self._follower.run())
        placed = asyncio.create_task(self._follower.is_in_place.wait())
        try:
            await asyncio.wait(
                [self._task, placed],
                timeout=timeout_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            placed.cancel()
        if self._task.done():
            self._task.result()
        current = self.current
        if current is None:
            raise CallTimeoutError(
                f"{self._follower.ref} did not come within {timeout_seconds} s; it is still tried"
            )
        return current

    @property
    def error(self) -> BaseException | None:
        """What ended the following, if anything did but `close`."""
        task = self._task
        if task is None or not task.done() or task.cancelled():
            return None
        return task.exception()

    def close(self) -> None:
        """End following; what is in place stays. Closing twice is fine."""
        if self._task is not None and self._loop.is_running:
            self._loop.run(self._end(self._task))

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def in_thread(
    on_swap: Callable[[ServedVersion], None] | None,
) -> Callable[[ServedVersion], Awaitable[None]] | None:
    """Return a callback that runs in a thread of its own, from where it may call the client."""
    if on_swap is None:
        return None

    async def call(version: ServedVersion) -> None:
        await asyncio.to_thread(on_swap, version)

    return call
