"""I9: no request can make the server hold more than its byte budget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class ByteBudget:
    """A first-come semaphore counted in bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used_bytes(self) -> int:
        """How many bytes are held now."""
        return self._used

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold that many bytes of the budget (all of it, for more than there is) meanwhile."""
        await self.acquire(size_bytes)
        try:
            yield
        finally:
            self.release(size_bytes)

    async def acquire(self, size_bytes: int) -> None:
        """Wait until that many bytes are free, and take them."""
        size = min(size_bytes, self._limit)
        if not self._waiting and self._used + size <= self._limit:
            self._used += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._give_up(size, turn)
            raise

    def _give_up(self, size: int, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.release(size)  # the bytes came together with the cancellation
            return
        with suppress(ValueError):  # bytes that came after the cancellation have dropped it
            self._waiting.remove((size, turn))
        self._wake()  # whoever waited behind may fit

    def release(self, size_bytes: int) -> None:
        """Give back what `acquire` took."""
        self._used -= min(size_bytes, self._limit)
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._used + self._waiting[0][0] <= self._limit:
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._used += size
                turn.set_result(None)
