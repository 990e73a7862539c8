"""One step ahead: the next item is fetched while the caller is busy with this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

T = TypeVar("T")


def _nothing(_item: object) -> None:
    pass


async def read_ahead(
    source: AsyncGenerator[T, None], *, let_go: Callable[[T], None] = _nothing
) -> AsyncGenerator[T, None]:
    """Yield what `source` yields; close it when the caller stops.

    `let_go` is called once for each item: when the caller has done with it, or never gets it.
    """
    upcoming = asyncio.ensure_future(_next(source))
    try:
        while batch := await upcoming:
            upcoming = asyncio.ensure_future(_next(source))
            try:
                yield batch[0]
            finally:
                let_go(batch[0])
    finally:
        upcoming.cancel()
        # Its errors are dropped: the caller has its own reason to end, or has seen them.
        (rest,) = await asyncio.gather(upcoming, return_exceptions=True)
        if isinstance(rest, list) and rest:
            let_go(rest[0])
        await source.aclose()


async def _next(source: AsyncGenerator[T, None]) -> list[T]:
    """Return the next item in a list, or an empty list at the end."""
    async for item in source:
        return [item]
    return []
