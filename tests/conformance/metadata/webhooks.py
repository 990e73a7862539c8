"""Rows of webhooks and of their deliveries, in every metadata store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hydria_server.domain.errors import AlreadyExistsError, FilterInvalidError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter
from hydria_server.domain.filters import Comparison, Operator, OrderTerm, Query
from hydria_server.domain.records import EventDraft
from hydria_server.domain.webhooks import (
    Attempt,
    DeliveryRecord,
    DeliveryState,
    WebhookFormat,
    WebhookProgress,
    WebhookRecord,
    WebhookState,
    WebhookWords,
)
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import in_one_write

WORDS = WebhookWords(
    "https://example.org/",
    EventFilter("birds", ("calls",), ("gold",), (EventType.ALIAS_SET,)),
    WebhookFormat.SLACK,
    '{"a": "ä"}',
    "whsec_x",
)


async def a_webhook(
    rows: Rows, name: str = "hook", *, words: WebhookWords = WORDS
) -> WebhookRecord:
    entity = await rows.names.ensure_entity("acme", now_us=1)
    await rows.webhooks.insert(entity.id, name, words, now_us=2)
    return await found(rows, name)


async def found(rows: Rows, name: str = "hook") -> WebhookRecord:
    webhook = await rows.webhooks.by_name("acme", name)
    assert webhook is not None
    return webhook


async def an_event(rows: Rows, webhook: WebhookRecord) -> None:
    draft = EventDraft(EventType.PROJECT_CREATED)
    await rows.events.record(webhook.entity_id, [draft], [], actor="me", now_us=3)


def a_delivery(webhook: WebhookRecord, number: int = 1) -> DeliveryRecord:
    return DeliveryRecord(
        webhook_id=webhook.id,
        delivery_id=f"msg_{number}",
        event_seq=number,
        event_type="alias_set",
        state=DeliveryState.PENDING,
        body="{}",
        created_at_us=number,
    )


def listing(*order: OrderTerm, state: str = "", limit: int = 10) -> Query:
    filter_ = Comparison("state", Operator.EQ, state) if state else None
    return Query(filter_, order, None, limit)


class WebhooksContract:
    """`WebhookRows`."""

    @in_one_write
    async def test_a_webhook_is_told_of_events_after_it(self, rows: Rows) -> None:
        first = await a_webhook(rows)
        await an_event(rows, first)
        second = await a_webhook(rows, "second")

        assert (first.words, first.revision, first.dead_count) == (WORDS, 1, 0)
        assert (first.entity, first.created_at_us, first.updated_at_us) == ("acme", 2, 2)
        assert (first.progress, second.progress) == (WebhookProgress(0), WebhookProgress(1))
        assert await rows.webhooks.by_id(second.id) == second
        assert await rows.webhooks.by_name("acme", "nothing") is None
        assert await rows.webhooks.count(first.entity_id) == 2

    @in_one_write
    async def test_a_name_is_taken_once_in_an_entity(self, rows: Rows) -> None:
        webhook = await a_webhook(rows)
        with pytest.raises(AlreadyExistsError):
            await a_webhook(rows)
        other = await rows.names.ensure_entity("other", now_us=1)
        await rows.webhooks.insert(other.id, webhook.name, WORDS, now_us=2)

    @in_one_write
    async def test_an_update_replaces_words_and_an_advance_leaves_them(self, rows: Rows) -> None:
        webhook = await a_webhook(rows)
        words = replace(WORDS, state=WebhookState.PAUSED, secret="whsec_y")
        progress = WebhookProgress(5, 9, failed_attempts=2, next_attempt_at_us=77)

        await rows.webhooks.update(webhook.id, words, now_us=8)
        await rows.webhooks.advance(webhook.id, progress)

        now = await found(rows)
        assert (now.words, now.progress, now.revision) == (words, progress, 2)
        assert now.updated_at_us == 8

    @in_one_write
    async def test_who_is_active_and_behind_or_pending_waits(self, rows: Rows) -> None:
        behind, pending, done = [await a_webhook(rows, name) for name in ("a", "b", "c")]
        paused = await a_webhook(rows, "d", words=replace(WORDS, state=WebhookState.PAUSED))
        await an_event(rows, behind)
        for each in (pending, done, paused):
            await rows.webhooks.advance(each.id, WebhookProgress(1))
        later = WebhookProgress(1, 4, failed_attempts=3, next_attempt_at_us=9)
        await rows.webhooks.advance(pending.id, later)

        first, second = await rows.webhooks.waiting()

        assert (first.id, first.last_event_seq, first.has_pending) == (behind.id, 1, False)
        assert (second.id, second.has_pending) == (pending.id, True)
        assert (second.failed_attempts, second.next_attempt_at_us) == (3, 9)

    @in_one_write
    async def test_the_first_event_that_is_needed_is_that_of_the_slowest(self, rows: Rows) -> None:
        nobody = await rows.names.ensure_entity("nobody", now_us=1)
        first, second = await a_webhook(rows), await a_webhook(rows, "second")
        entity_id = first.entity_id
        assert await rows.webhooks.first_needed(nobody.id) is None
        assert await rows.webhooks.first_needed(entity_id) == 1

        await rows.webhooks.pass_over({first.id: 5, second.id: 3, 99: 7})
        assert await rows.webhooks.first_needed(entity_id) == 4
        await rows.webhooks.pass_over({first.id: 4})
        await rows.webhooks.pass_over({})
        assert (await found(rows)).progress == WebhookProgress(5)

    @in_one_write
    async def test_what_is_gone_is_missed_by_who_had_not_dealt_with_it(self, rows: Rows) -> None:
        behind, done = await a_webhook(rows), await a_webhook(rows, "done")
        pending = WebhookProgress(2, 7, failed_attempts=1, next_attempt_at_us=9)
        await rows.webhooks.advance(behind.id, pending)
        await rows.webhooks.advance(done.id, WebhookProgress(9))
        await rows.webhooks.miss_before(behind.entity_id, 3, now_us=50)
        assert (await found(rows)).missed_at_us == 0

        for seq, now_us in ((6, 60), (10, 70), (10, 80)):
            await rows.webhooks.miss_before(behind.entity_id, seq, now_us=now_us)

        shown = await found(rows)
        assert (shown.missed_count, shown.missed_at_us) == (7, 70)
        assert shown.progress == replace(pending, cursor_seq=9)
        assert (await found(rows, "done")).missed_count == 0
        query = listing(OrderTerm("name"))
        page = await rows.webhooks.webhooks(behind.entity_id, query)
        assert [each.missed_count for each in page.items] == [0, 7]
        await rows.webhooks.delete(behind.id)
        assert (await a_webhook(rows)).missed_count == 0

    @in_one_write
    async def test_a_delivery_is_inserted_and_replaced(self, rows: Rows) -> None:
        webhook = await a_webhook(rows)
        row_id = await rows.webhooks.save_delivery(a_delivery(webhook))
        changed = replace(
            a_delivery(webhook),
            id=row_id,
            state=DeliveryState.DEAD,
            attempt_count=1,
            attempts=(Attempt(1, 5, 30, 500, "ä\n"),),
        )

        assert await rows.webhooks.save_delivery(changed) == row_id
        assert await rows.webhooks.delivery_by_id(row_id) == changed
        assert await rows.webhooks.delivery(webhook.id, "msg_1") == changed
        assert await rows.webhooks.delivery(webhook.id + 1, "msg_1") is None
        assert (await found(rows)).dead_count == 1

    @in_one_write
    async def test_trimming_keeps_the_newest_and_what_is_pending(self, rows: Rows) -> None:
        webhook, other = await a_webhook(rows), await a_webhook(rows, "other")
        for number in range(1, 7):
            state = DeliveryState.PENDING if number == 2 else DeliveryState.DELIVERED
            await rows.webhooks.save_delivery(replace(a_delivery(webhook, number), state=state))
            await rows.webhooks.save_delivery(replace(a_delivery(other, number), state=state))

        await rows.webhooks.trim_deliveries(webhook.id, keep=2)

        query = listing(OrderTerm("created_at", descending=True))
        kept = await rows.webhooks.deliveries(webhook.id, query)
        assert [each.event_seq for each in kept.items] == [6, 5, 2]
        assert len((await rows.webhooks.deliveries(other.id, query)).items) == 6

    @in_one_write
    async def test_a_webhook_is_deleted_with_its_deliveries(self, rows: Rows) -> None:
        webhook = await a_webhook(rows)
        row_id = await rows.webhooks.save_delivery(a_delivery(webhook))

        await rows.webhooks.delete(webhook.id)

        assert await rows.webhooks.by_id(webhook.id) is None
        assert await rows.webhooks.delivery_by_id(row_id) is None
        assert (await a_webhook(rows)).id > webhook.id, "an id is not given twice"

    @in_one_write
    async def test_lists_are_filtered_ordered_and_paged(self, rows: Rows) -> None:
        paused = replace(WORDS, state=WebhookState.PAUSED)
        hooks = [await a_webhook(rows, "b"), await a_webhook(rows, "a", words=paused)]
        by_name = OrderTerm("name")

        page = await rows.webhooks.webhooks(hooks[0].entity_id, listing(by_name, limit=1))
        assert (page.items, page.next_cursor) == ((hooks[1],), ("a", hooks[1].id))
        some = await rows.webhooks.webhooks(
            hooks[0].entity_id, listing(by_name, state=WebhookState.ACTIVE.name)
        )
        assert some.items == (hooks[0],)
        with pytest.raises(FilterInvalidError):
            await rows.webhooks.deliveries(hooks[0].id, listing(by_name))
