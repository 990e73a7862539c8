"""Delivers what is next for a webhook: from the events of its entity, in order, at least once.

The attempt is made before anything is written, so that an event costs one transaction. Until that
has committed the webhook stands where it stood: who is killed in between sends it again, under the
same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhooks import (
    DeliveryRecord,
    DeliveryState,
    WebhookProgress,
    WebhookRecord,
    WebhookState,
)
from hydria_server.services.event_selection import Selection
from hydria_server.services.sessions import Clock
from hydria_server.services.webhooks.attempts import Attempts, delivery_of, with_attempt
from hydria_server.services.webhooks.idling import IdleWebhooks
from hydria_server.storage.metadata.interface import MetadataStore, Rows

EVENTS_PER_READ: Final = 200
# Events that concern nobody are passed over in memory; now and then the place is written down.
PASSED_OVER_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the events of a webhook found."""

    webhook: WebhookRecord
    delivery: DeliveryRecord | None = None  # the next one
    scanned_seq: int = 0
    is_at_end: bool = False


class Courier:
    """Delivers, one webhook at a time; only one task at a time may do so for the same webhook."""

    def __init__(
        self,
        metadata: MetadataStore,
        attempts: Attempts,
        clock: Clock,
        *,
        store_id: str,
        log_max: int,
    ) -> None:
        self._metadata = metadata
        self._attempts = attempts
        self._clock = clock
        self._store_id = store_id
        self._log_max = log_max
        self._scanned: dict[int, int] = {}
        self.idle = IdleWebhooks()
        self._turn = asyncio.Semaphore(1)  # a commit waits behind one write of ours at most

    def scanned_seq(self, webhook_id: int) -> int:
        """Return up to where events were passed over that do not concern the webhook."""
        return self._scanned.get(webhook_id, 0)

    async def note_places(self) -> None:
        """Write down what was passed over, so that the history need not be kept for it."""

        async def note(rows: Rows) -> None:
            await rows.webhooks.pass_over(self._scanned)

        if self._scanned:
            async with self._turn:
                await self._metadata.write(note)

    def notice(self, entity_id: int, events: Sequence[EventRecord]) -> None:
        """Pass over new events for those webhooks that are up to date and do not select them."""
        self._scanned |= self.idle.notice(entity_id, events)

    def forget_others(self, webhook_ids: frozenset[int]) -> None:
        """Forget what was passed over for webhooks that do not wait any more."""
        for gone in self._scanned.keys() - webhook_ids:
            del self._scanned[gone]

    async def deliver_next(self, webhook_id: int) -> bool:
        """Make the attempt that is due, if any; return whether it succeeded."""
        look = await self._look(webhook_id)
        while look is not None and look.delivery is None:
            await self._pass_over(look)
            if look.is_at_end:
                return False
            look = await self._look(webhook_id)
        if look is None or look.delivery is None:
            return False
        attempt = await self._attempts.make(look.webhook, look.delivery)
        attempted = with_attempt(look.delivery, attempt)
        async with self._turn:
            await self._metadata.write(lambda rows: self._settle(rows, attempted))
        return attempt.succeeded

    async def _look(self, webhook_id: int) -> Look | None:
        """Return what is next for the webhook, or None when it must not deliver now."""
        generation = self.idle.generation

        async def look(rows: Rows) -> Look | None:
            webhook = await rows.webhooks.by_id(webhook_id)
            if webhook is None or webhook.words.state is not WebhookState.ACTIVE:
                return None
            if webhook.progress.next_attempt_at_us > self._clock():
                return None
            if webhook.progress.pending_delivery is not None:
                pending = await rows.webhooks.delivery_by_id(webhook.progress.pending_delivery)
                assert pending is not None  # a pending one is never trimmed
                return Look(webhook, pending)
            return await self._scan(rows, webhook, generation)

        return await self._metadata.read(look)

    async def _scan(self, rows: Rows, webhook: WebhookRecord, generation: int) -> Look:
        after = max(webhook.progress.cursor_seq, self.scanned_seq(webhook.id))
        events = await rows.events.after(webhook.entity_id, after, limit=EVENTS_PER_READ)
        selection = await Selection.find(rows, webhook.entity_id, webhook.words.filter)
        for event in events:
            if selection.wants(event):
                return Look(webhook, self._new_delivery(webhook, event))
        last = events[-1].seq if events else after
        is_at_end = len(events) < EVENTS_PER_READ
        if is_at_end:
            self.idle.add(webhook.id, webhook.entity_id, selection, last, generation=generation)
        return Look(webhook, scanned_seq=last, is_at_end=is_at_end)

    def _new_delivery(self, webhook: WebhookRecord, event: EventRecord) -> DeliveryRecord:
        return delivery_of(webhook, event, store_id=self._store_id, now_us=self._clock())

    async def _pass_over(self, look: Look) -> None:
        webhook, seq = look.webhook, look.scanned_seq
        self._scanned[webhook.id] = seq
        if seq - webhook.progress.cursor_seq < PASSED_OVER_MAX:
            return

        async def advance(rows: Rows) -> None:
            now = await rows.webhooks.by_id(webhook.id)
            if now is not None and now.progress == webhook.progress:
                await rows.webhooks.advance(webhook.id, replace(now.progress, cursor_seq=seq))

        async with self._turn:
            await self._metadata.write(advance)

    async def _settle(self, rows: Rows, attempted: DeliveryRecord) -> None:
        webhook = await rows.webhooks.by_id(attempted.webhook_id)
        if webhook is None:  # it was deleted meanwhile
            return
        progress, delivery = self._attempts.settle(webhook.progress, attempted)
        row_id = await rows.webhooks.save_delivery(delivery)
        if delivery.state is DeliveryState.PENDING:
            progress = replace(progress, pending_delivery=row_id)
        await rows.webhooks.advance(webhook.id, progress)
        await rows.webhooks.trim_deliveries(webhook.id, keep=self._log_max)

    async def send_once(self, webhook: WebhookRecord, delivery: DeliveryRecord) -> DeliveryRecord:
        """Make one attempt by hand, beside what is next; return the delivery as it is then.

        A success makes it DELIVERED; a failure leaves its state, and gives up what is new.
        """
        attempt = await self._attempts.make(webhook, delivery)

        async def save(rows: Rows) -> DeliveryRecord:
            # Somebody else may have sent it meanwhile.
            before = await rows.webhooks.delivery_by_id(delivery.id) or delivery
            attempted = _judged(with_attempt(before, attempt))
            if await rows.webhooks.by_id(webhook.id) is not None:
                await rows.webhooks.save_delivery(attempted)
                await rows.webhooks.trim_deliveries(webhook.id, keep=self._log_max)
            return attempted

        async with self._turn:
            return await self._metadata.write(save)


def _judged(delivery: DeliveryRecord) -> DeliveryRecord:
    """Return what an attempt by hand makes of a delivery."""
    if delivery.attempts[-1].succeeded:
        return replace(delivery, state=DeliveryState.DELIVERED)
    is_new = delivery.state is DeliveryState.PENDING
    return replace(delivery, state=DeliveryState.DEAD) if is_new else delivery


def resumed(progress: WebhookProgress, *, scanned_seq: int) -> WebhookProgress:
    """Return the progress of a webhook that its owner changed: it tries again at once.

    What was passed over under its old filter stays passed over.
    """
    return replace(progress, cursor_seq=max(progress.cursor_seq, scanned_seq), next_attempt_at_us=0)
