"""One step ahead: the next item is fetched while the caller is busy with this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def read_ahead(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield what `source` yields; close it when the caller stops."""
    upcoming = asyncio.ensure_future(_next(source))
    try:
        while True:
            batch = await upcoming
            if not batch:
                return
            upcoming = asyncio.ensure_future(_next(source))
            yield batch[0]
    finally:
        upcoming.cancel()
        with suppress(asyncio.CancelledError, Exception):  # the caller has its own reason to end
            await upcoming
        await source.aclose()


async def _next(source: AsyncGenerator[T, None]) -> list[T]:
    """Return the next item in a list, or an empty list at the end."""
    async for item in source:
        return [item]
    return []
