"""Turns: who waits hears of it, who goes gives way, and nobody's turn is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hydria_server.services import turns as module
from hydria_server.services.turns import in_turn


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


async def test_with_a_turn_to_be_had_items_come_as_they_are() -> None:
    turns = asyncio.Semaphore(1)
    for _ in range(3):
        assert [n async for n in in_turn(turns, numbers(3), waiting=-1)] == [0, 1, 2]
    assert not turns.locked()


async def test_who_waits_gets_signs_of_life_and_then_the_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SIGN_OF_LIFE_SECONDS", 0.001)
    turns = asyncio.Semaphore(1)
    first, second = (in_turn(turns, numbers(2), waiting=-1) for _ in range(2))
    assert await anext(first) == 0
    assert [await anext(second), await anext(second)] == [-1, -1]
    assert [n async for n in first] == [1]
    assert [n async for n in second if n >= 0] == [0, 1]
    assert not turns.locked()


async def test_who_stops_in_the_middle_gives_the_turn_back() -> None:
    turns = asyncio.Semaphore(1)
    source = in_turn(turns, numbers(5), waiting=-1)
    assert await anext(source) == 0
    await source.aclose()
    assert not turns.locked()


async def test_who_is_cancelled_while_waiting_leaves_the_turn_to_the_next() -> None:
    turns = asyncio.Semaphore(1)
    first = in_turn(turns, numbers(2), waiting=-1)
    await anext(first)
    waiting = in_turn(turns, numbers(1), waiting=-1)
    impatient = asyncio.ensure_future(anext(waiting))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    await waiting.aclose()
    await first.aclose()
    assert [n async for n in in_turn(turns, numbers(2), waiting=-1)] == [0, 1]
    assert not turns.locked()


async def test_who_is_cancelled_just_as_the_turn_comes_does_not_keep_it() -> None:
    turns = asyncio.Semaphore(1)
    await turns.acquire()
    impatient = asyncio.ensure_future(anext(in_turn(turns, numbers(1), waiting=-1)))
    for _ in range(3):
        await asyncio.sleep(0)
    turns.release()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    async with asyncio.timeout(5):
        assert [n async for n in in_turn(turns, numbers(2), waiting=-1)] == [0, 1]
