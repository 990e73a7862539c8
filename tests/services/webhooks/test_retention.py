"""Events may go once webhooks have dealt with them; until then their places tell what must stay."""

from __future__ import annotations

from hydria_server.domain.events import EventBounds, EventFilter
from hydria_server.domain.webhooks import WebhookState
from hydria_server.services.event_retention import EventRetention, Retention
from hydria_server.services.webhooks.webhooks import WebhookChange
from tests.clocks import ManualClock
from tests.services.webhooks.conftest import ENTITY, Post, Store, open_post
from tests.webhook_target import Target

NOBODY = EventFilter(aliases=("nobody",))
DAY_SECONDS = 24 * 3600


async def forget_all(post: Post, *, whatever_webhooks_need: bool = False) -> None:
    """Let a day pass, and forget what was before."""
    post.clock.advance(DAY_SECONDS)
    keep = Retention(1, 1 if whatever_webhooks_need else 0)
    retention = EventRetention(post.store, post.clock, keep, note_places=post.services.note_places)
    await retention.forget_old()


async def bounds(post: Post) -> EventBounds:
    entity = await post.store.read(lambda rows: rows.names.entity(ENTITY))
    assert entity is not None
    return await post.store.read(lambda rows: rows.events.bounds(entity.id))


async def test_what_was_passed_over_in_memory_alone_is_not_kept_and_never_missed(
    store: Store, clock: ManualClock, target: Target
) -> None:
    async with open_post(store, clock) as post:
        hook = await post.hook(target.url, filter_=NOBODY)
        await post.hook(target.url, "another")
        for _ in range(3):
            await post.happen("a", "b")
        await post.until_delivered(6, "another")
        assert (await post.record()).progress.cursor_seq < 6
        await forget_all(post)
        assert (await bounds(post)).first == 7
        assert (await post.record()).progress.cursor_seq == 6

    change = WebhookChange(filter=EventFilter())
    async with open_post(store, clock) as post:
        await post.services.webhooks.update(ENTITY, hook.name, change, etag="")
        await post.happen("c")
        await post.until_delivered(1)
        record = await post.record()
        assert (record.missed_count, record.progress.cursor_seq) == (0, 7)


async def test_an_attempt_under_way_while_its_event_is_forgotten_takes_nobody_back(
    post: Post, target: Target
) -> None:
    target.is_stalled = True
    await post.hook(target.url)
    await post.happen(*"abcd")
    await target.received(1)

    await forget_all(post, whatever_webhooks_need=True)
    assert (await post.record()).missed_count == 4
    target.free()
    await post.until_delivered(1)
    record = await post.record()
    assert (record.progress.cursor_seq, record.progress.pending_delivery) == (4, None)

    await post.happen("e")
    await post.until_delivered(2)
    assert target.aliases() == ["a", "e"]
    await forget_all(post, whatever_webhooks_need=True)
    assert (await post.record()).missed_count == 4, "nothing is missed twice"


async def test_the_slowest_of_the_webhooks_of_an_entity_decides(post: Post, target: Target) -> None:
    paused = WebhookChange(state=WebhookState.PAUSED)
    for name in ("slow", "slower"):
        await post.hook(target.url, name)
    await post.happen("a")
    for name in ("slow", "slower"):
        await post.until_delivered(1, name)
    await post.services.webhooks.update(ENTITY, "slower", paused, etag="")
    await post.happen("b")
    await post.until_delivered(2, "slow")
    await post.services.webhooks.update(ENTITY, "slow", paused, etag="")
    await post.happen("c")

    await forget_all(post)
    assert (await bounds(post)).first == 2
    await post.services.webhooks.delete(ENTITY, "slower", etag="")
    await forget_all(post)
    assert (await bounds(post)).first == 3
