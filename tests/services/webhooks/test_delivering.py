"""Events get to their targets: in order, at least once, whatever the targets do."""

from __future__ import annotations

import asyncio

import pytest

from hydria_server.domain.events import EventFilter
from hydria_server.domain.webhooks import DeliveryState, WebhookState
from hydria_server.services.webhooks import dispatcher
from hydria_server.services.webhooks.courier import Courier
from hydria_server.services.webhooks.services import WebhookLimits
from hydria_server.services.webhooks.webhooks import WebhookChange
from tests.clocks import ManualClock
from tests.services.webhooks.conftest import ENTITY, LOOPBACK, Post, Store, open_post
from tests.webhook_target import Target, webhook_target

HOUR = 3600.0


async def test_events_arrive_in_the_order_of_their_commits(post: Post, target: Target) -> None:
    await post.happen("before")
    await post.hook(target.url)

    await post.happen("a", "b")
    await post.happen("c")

    await target.received(3)
    assert target.aliases() == ["a", "b", "c"]


async def test_a_target_that_answers_500_for_an_hour_gets_everything_afterwards_in_order(
    post: Post, target: Target
) -> None:
    await post.hook(target.url)
    target.status = 500
    await post.happen(*"abcde")
    began = post.clock.now_us

    attempts = 0
    while post.clock.now_us - began < HOUR * 1_000_000:
        attempts += 1
        await post.until_failed(attempts)
        post.leap(min(900, 5 * 2 ** (attempts - 1)))
    target.status = 200
    post.leap(900)

    await post.until_delivered(5)
    log = await post.log()
    assert {request.data()["alias"] for request in target.requests[:-5]} == {"a"}
    assert target.aliases()[-5:] == list("abcde")
    assert log[0].attempt_count == len(target.requests) - 4
    assert len({request.id for request in target.requests}) == 5, "an event keeps its id"
    assert (await post.record()).progress.failed_attempts == 0


async def test_waits_grow_with_jitter_up_to_a_quarter_of_an_hour(
    post: Post, target: Target
) -> None:
    await post.hook(target.url)
    target.status = 503
    await post.happen("a")

    waits = []
    for attempt in range(1, 12):
        await post.until_failed(attempt)
        progress = (await post.record()).progress
        waits.append((progress.next_attempt_at_us - post.clock.now_us) / 1_000_000)
        post.leap(900)

    ceilings = [min(5 * 2**n, 900) for n in range(11)]
    for wait, ceiling in zip(waits, ceilings, strict=True):
        assert ceiling * 0.45 <= wait <= ceiling


async def test_an_event_is_given_up_after_the_last_attempt_and_the_next_goes_on(
    store: Store, clock: ManualClock, target: Target
) -> None:
    limits = WebhookLimits(networks=LOOPBACK, attempts_max=3)
    async with open_post(store, clock, limits=limits) as post:
        await post.hook(target.url)
        target.status = 400
        await post.happen("a", "b")
        for attempt in (1, 2, 3):
            await post.until_failed(attempt)
            assert target.aliases() == ["a"] * attempt
            if attempt == 3:
                target.status = 200
            post.leap(900)
        await post.until_delivered(1)

        dead, delivered = await post.log()
        assert (dead.state, dead.attempt_count) == (DeliveryState.DEAD, 3)
        assert [attempt.status for attempt in dead.attempts] == [400, 400, 400]
        assert dead.attempts[0].message == "thanks"
        assert delivered.state is DeliveryState.DELIVERED
        assert target.aliases() == ["a", "a", "a", "b"]
        assert (await post.record()).dead_count == 1


async def test_a_target_that_hangs_holds_up_neither_other_webhooks_nor_commits(
    store: Store, clock: ManualClock, target: Target
) -> None:
    limits = WebhookLimits(networks=LOOPBACK, timeout_seconds=0.3)
    async with webhook_target() as hanging, open_post(store, clock, limits=limits) as post:
        hanging.is_stalled = True
        for number in range(20):
            await post.hook(hanging.url, f"hanging {number}")
        await post.hook(target.url)

        for alias in "abc":
            await post.happen(alias)

        await target.received(3)
        assert target.aliases() == ["a", "b", "c"]
        await post.until_failed(1, "hanging 7")
        (stuck,) = await post.log("hanging 7")
        assert stuck.state is DeliveryState.PENDING
        assert stuck.attempts[0].status == 0
        assert "within 0.3 seconds" in stuck.attempts[0].message


async def test_more_webhooks_than_tasks_all_get_their_turn(
    post: Post, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "TASKS_MAX", 3)
    monkeypatch.setattr(dispatcher, "DELIVERIES_PER_TURN", 1)
    for number in range(10):
        await post.hook(target.url, f"hook {number}")

    await post.happen("a", "b")

    await target.received(20)
    assert sorted(map(str, target.aliases())) == ["a"] * 10 + ["b"] * 10


async def test_a_target_that_cannot_be_connected_to_is_tried_again(
    post: Post, target: Target
) -> None:
    async with webhook_target() as gone:
        nowhere = gone.url
    await post.hook(nowhere)
    await post.happen("a")
    await post.until_failed(1)

    await post.services.webhooks.update(
        ENTITY, "hook", WebhookChange(target_url=target.url), etag=""
    )

    await post.until_delivered(1)
    (log,) = await post.log()
    assert [attempt.status for attempt in log.attempts] == [0, 200]
    assert log.attempts[0].message == "the target cannot be connected to"


async def test_what_happens_during_a_pause_is_delivered_afterwards(
    post: Post, target: Target
) -> None:
    await post.hook(target.url)
    await post.happen("a")
    await post.until_delivered(1)
    pause, go_on = (
        WebhookChange(state=WebhookState.PAUSED),
        WebhookChange(state=WebhookState.ACTIVE),
    )

    await post.services.webhooks.update(ENTITY, "hook", pause, etag="")
    await post.happen("b", "c")
    other = await post.hook(target.url, "other")
    await post.happen("d")
    await post.until_delivered(1, "other")
    assert target.aliases() == ["a", "d"], "the paused one is told of nothing"
    await post.services.webhooks.update(ENTITY, other.name, pause, etag="")
    await post.services.webhooks.update(ENTITY, "hook", go_on, etag="")

    await target.received(5)
    assert target.aliases() == ["a", "d", "b", "c", "d"]


async def test_a_filter_passes_over_thousands_of_events_that_it_does_not_select(
    post: Post, target: Target
) -> None:
    await post.hook(target.url, filter_=EventFilter(aliases=("gold",)))

    for _ in range(5):
        await post.happen(*["silver"] * 300)
    await post.happen("gold")

    await target.received(1)
    await post.until_delivered(1)
    assert target.aliases() == ["gold"]


async def test_a_webhook_that_was_deleted_while_it_hangs_leaves_nothing(
    post: Post, target: Target
) -> None:
    target.is_stalled = True
    await post.hook(target.url)
    await post.happen("a")
    await target.received(1)

    await post.services.webhooks.delete(ENTITY, "hook", etag="")
    target.is_stalled = False
    await post.hook(target.url)
    await post.happen("b")

    await post.until_delivered(1)
    assert [delivery.event_seq for delivery in await post.log()] == [2]


async def test_the_log_keeps_the_newest_deliveries_only(
    store: Store, clock: ManualClock, target: Target
) -> None:
    limits = WebhookLimits(networks=LOOPBACK, log_max=3)
    async with open_post(store, clock, limits=limits) as post:
        await post.hook(target.url)
        await post.happen(*"abcdef")
        await post.until(lambda webhook: webhook.progress.cursor_seq == 6)

        assert [delivery.event_seq for delivery in await post.log()] == [4, 5, 6]


async def test_two_redeliveries_at_once_are_both_in_the_log(post: Post, target: Target) -> None:
    await post.hook(target.url)
    await post.happen("a")
    await post.until_delivered(1)
    (delivery,) = await post.log()

    await asyncio.gather(
        *(post.services.webhooks.redeliver(ENTITY, "hook", delivery.delivery_id) for _ in range(2))
    )

    (delivery,) = await post.log()
    assert [attempt.number for attempt in delivery.attempts] == [1, 2, 3]
    assert len(target.requests) == 3


async def test_events_that_nobody_selects_are_passed_over_without_reading_them(
    post: Post, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = Courier.deliver_next

    async def counted(self: Courier, webhook_id: int) -> bool:
        looks.append(webhook_id)
        return await look(self, webhook_id)

    monkeypatch.setattr(Courier, "deliver_next", counted)
    for number in range(5):
        await post.hook(target.url, f"hook {number}", filter_=EventFilter(aliases=("gold",)))
    await post.happen("gold")
    await target.received(5)
    for number in range(5):
        await post.until_delivered(1, f"hook {number}")
    await post.happen("silver")
    before = len(looks)

    for _ in range(20):
        await post.happen("silver", "copper")
    await post.happen("gold")
    await target.received(10)

    assert len(looks) - before <= 3 * 5
    assert target.aliases() == ["gold"] * 10


async def test_a_changed_filter_holds_for_the_very_next_event(post: Post, target: Target) -> None:
    await post.hook(target.url, filter_=EventFilter(aliases=("gold",)))
    await post.happen("gold")
    await post.until_delivered(1)
    await post.happen("silver")

    for alias in ("silver", "gold", "silver"):
        change = WebhookChange(filter=EventFilter(aliases=(alias,)))
        await post.services.webhooks.update(ENTITY, "hook", change, etag="")
        await post.happen("gold", "silver")

    await post.until_delivered(4)
    assert target.aliases() == ["gold", "silver", "gold", "silver"]
