"""I9: the byte budget, first come first served, whole after every cancellation."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.services.budget import ByteBudget


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_fits_is_had_at_once_and_what_does_not_waits_its_turn() -> None:
    budget = ByteBudget(10)
    await budget.acquire(6)
    large = asyncio.create_task(budget.acquire(5))
    small = asyncio.create_task(budget.acquire(1))
    await settle()
    assert not large.done()
    assert not small.done(), "nobody overtakes"
    budget.release(6)
    await asyncio.gather(large, small)
    assert budget.used_bytes == 6


async def test_more_than_there_is_takes_all_of_it() -> None:
    budget = ByteBudget(10)
    async with budget.hold(1000):
        assert budget.used_bytes == 10
    assert budget.used_bytes == 0


async def test_who_is_cancelled_while_waiting_lets_the_next_one_through() -> None:
    budget = ByteBudget(10)
    await budget.acquire(8)
    large = asyncio.create_task(budget.acquire(10))
    small = asyncio.create_task(budget.acquire(2))
    await settle()
    large.cancel()
    await small
    assert budget.used_bytes == 10
    with pytest.raises(asyncio.CancelledError):
        await large


async def test_who_is_cancelled_as_the_bytes_come_gives_them_back() -> None:
    budget = ByteBudget(10)
    await budget.acquire(10)
    waiting = asyncio.create_task(budget.acquire(4))
    await settle()
    budget.release(10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.used_bytes == 0


async def test_who_is_cancelled_just_before_bytes_are_given_back_ends_as_cancelled() -> None:
    budget = ByteBudget(10)
    await budget.acquire(10)
    waiting = asyncio.create_task(budget.acquire(4))
    await settle()
    waiting.cancel()
    budget.release(10)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.used_bytes == 0
    await budget.acquire(10)


@given(st.lists(st.tuples(st.sampled_from("acr"), st.integers(0, 12)), max_size=40))
def test_whatever_comes_the_budget_is_kept_and_given_back(steps: list[tuple[str, int]]) -> None:
    asyncio.run(run_steps(steps))


async def run_steps(steps: list[tuple[str, int]]) -> None:
    budget = ByteBudget(10)
    waiting: list[tuple[int, asyncio.Task[None]]] = []
    held: list[int] = []
    for action, number in steps:
        if action == "a":
            waiting.append((number, asyncio.create_task(budget.acquire(number))))
        elif action == "c" and waiting:
            waiting[number % len(waiting)][1].cancel()
        elif action == "r" and held:
            budget.release(held.pop(number % len(held)))
        if number % 2:
            await settle()
        for size, task in list(waiting):
            if task.done():
                waiting.remove((size, task))
                if not task.cancelled():
                    task.result()
                    held.append(size)
        assert 0 <= budget.used_bytes <= 10
    for _, task in waiting:
        task.cancel()
    ended = await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)
    for (size, _), outcome in zip(waiting, ended, strict=True):
        assert outcome is None or isinstance(outcome, asyncio.CancelledError)
        if outcome is None:
            held.append(size)
    assert budget.used_bytes == sum(min(size, 10) for size in held)
