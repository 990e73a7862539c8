"""One step ahead, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hydria_server.services.read_ahead import read_ahead


class Source:
    """Yields numbers, and remembers how far it came and whether it was closed."""

    def __init__(self, count: int, *, fails_at: int = -1) -> None:
        self._count = count
        self._fails_at = fails_at
        self.begun: list[int] = []
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._count):
                self.begun.append(number)
                await asyncio.sleep(0)
                if number == self._fails_at:
                    raise OSError(number)
                yield number
        finally:
            self.closed = True


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
async def test_everything_comes_in_order_and_is_let_go_once(count: int) -> None:
    source, gone = Source(count), list[int]()
    found = [item async for item in read_ahead(source.items(), let_go=gone.append)]
    assert found == gone == list(range(count))
    assert source.closed


async def test_the_next_item_is_fetched_while_this_one_is_used_and_not_more() -> None:
    source = Source(9)
    ahead = read_ahead(source.items())
    assert await anext(ahead) == 0
    await settle()
    assert source.begun == [0, 1]
    await ahead.aclose()
    assert source.closed


async def test_a_caller_who_stops_leaves_no_item_held() -> None:
    for steps in range(4):
        source, gone = Source(9), list[int]()
        ahead = read_ahead(source.items(), let_go=gone.append)
        for _ in range(steps):
            await anext(ahead)
        await settle()
        await ahead.aclose()
        assert gone == source.begun[: len(gone)]
        assert len(gone) == len(source.begun), "what was fetched ahead is let go too"
        assert source.closed or not source.begun


async def test_an_error_comes_after_what_was_before_it() -> None:
    source, gone = Source(9, fails_at=2), list[int]()
    ahead = read_ahead(source.items(), let_go=gone.append)
    found: list[int] = []
    with pytest.raises(OSError, match="2"):
        found.extend([item async for item in ahead])
    assert gone == [0, 1]
    assert source.closed


async def test_a_caller_who_is_cancelled_while_waiting_closes_the_source() -> None:
    source, gone = Source(9), list[int]()

    async def consume() -> None:
        async for _ in read_ahead(source.items(), let_go=gone.append):
            await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    assert source.closed
    assert gone == [0, 1]
