"""Turns: of what reads whole versions, a few run at once, and the rest waits its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")

# Well under the time that clients and proxies let a stream be silent.
_SIGN_OF_LIFE_SECONDS = 10.0


async def in_turn(
    turns: asyncio.Semaphore, source: AsyncGenerator[T, None], *, waiting: T
) -> AsyncGenerator[T, None]:
    """Yield what `source` yields once there is a turn, and `waiting` now and then until then."""
    turn = asyncio.ensure_future(turns.acquire())
    try:
        async with aclosing(source):
            while not turn.done():
                await asyncio.wait([turn], timeout=_SIGN_OF_LIFE_SECONDS)
                if not turn.done():
                    yield waiting
            async for item in source:
                yield item
    finally:
        turn.cancel()  # of who never got one
        if turn.done() and not turn.cancelled():
            turns.release()
