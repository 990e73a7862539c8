"""Turns: whoever calls first commits first, whatever happens to the others."""

from __future__ import annotations

import asyncio

from hydria.upload.order import CommitOrder, Turn


async def commit(turn: Turn, name: str, done: list[str]) -> None:
    await turn.wait()
    done.append(name)
    turn.end()


async def test_turns_end_in_the_order_in_which_they_were_taken() -> None:
    order, done = CommitOrder(), list[str]()
    first, second, third = (order.take("c") for _ in range(3))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit(third, "third", done))
        tasks.create_task(commit(second, "second", done))
        await asyncio.sleep(0)
        assert done == []
        tasks.create_task(commit(first, "first", done))

    assert done == ["first", "second", "third"]


async def test_a_turn_that_is_given_up_does_not_let_the_next_one_pass_the_first() -> None:
    order, done = CommitOrder(), list[str]()
    first, second, third = (order.take("c") for _ in range(3))
    second.end()  # failed before it was its turn
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit(third, "third", done))
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == []
        tasks.create_task(commit(first, "first", done))

    assert done == ["first", "third"]


async def test_collections_do_not_wait_for_each_other() -> None:
    order = CommitOrder()
    order.take("one")

    await asyncio.wait_for(order.take("other").wait(), 1)


async def test_a_turn_has_come_when_all_before_it_have_ended() -> None:
    order = CommitOrder()
    first, second, third = (order.take("c") for _ in range(3))
    assert first.has_come
    second.end()
    assert not third.has_come
    first.end()
    assert third.has_come


async def test_ended_turns_are_forgotten() -> None:
    order = CommitOrder()
    for number in range(100):
        order.take(f"c{number}").end()
    last = order.take("last")

    assert order.take("last").has_ended is False
    assert len(order._last) == 1
    last.end()
