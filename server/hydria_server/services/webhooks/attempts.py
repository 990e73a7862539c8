"""One attempt at a delivery: what is sent, and what becomes of the delivery."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Final

from hydria_server.domain.records import EventRecord
from hydria_server.domain.release import server_version
from hydria_server.domain.webhook_signatures import sign
from hydria_server.domain.webhooks import (
    MAX_ATTEMPTS_KEPT,
    Attempt,
    DeliveryRecord,
    DeliveryState,
    WebhookProgress,
    WebhookRecord,
)
from hydria_server.services.sessions import Clock
from hydria_server.services.webhooks.payloads import body_of, event_of
from hydria_server.services.webhooks.sending import Sender

FIRST_WAIT_SECONDS: Final = 5.0
LONGEST_WAIT_SECONDS: Final = 900.0
_MICROSECONDS: Final = 1_000_000


def delivery_of(
    webhook: WebhookRecord, event: EventRecord, *, store_id: str, now_us: int
) -> DeliveryRecord:
    """Return the delivery of an event, before its first attempt.

    Its id follows from the event, so that it is the same when a crash makes the attempt be made
    again.
    """
    named = f"{store_id}/{webhook.id}/{event.seq}/{event.time_us}"
    delivery_id = "msg_" + hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
    return DeliveryRecord(
        webhook_id=webhook.id,
        delivery_id=delivery_id,
        event_seq=event.seq,
        event_type=event.type.value,
        state=DeliveryState.PENDING,
        body=body_of(webhook.words, event_of(event, webhook.entity, delivery_id)),
        created_at_us=now_us,
    )


def with_attempt(delivery: DeliveryRecord, attempt: Attempt) -> DeliveryRecord:
    """Return a delivery with one more attempt; its state is left as it is."""
    number = delivery.attempt_count + 1
    kept = (*delivery.attempts, replace(attempt, number=number))[-MAX_ATTEMPTS_KEPT:]
    return replace(delivery, attempt_count=number, attempts=kept)


class Attempts:
    """Makes attempts, and decides what follows from one."""

    def __init__(self, sender: Sender, clock: Clock, *, attempts_max: int) -> None:
        self._sender = sender
        self._clock = clock
        self._attempts_max = attempts_max

    async def make(self, webhook: WebhookRecord, delivery: DeliveryRecord) -> Attempt:
        """Send a delivery once; return the attempt."""
        now_us = self._clock()
        seconds, body = now_us // _MICROSECONDS, delivery.body.encode()
        headers = {
            "content-type": "application/json",
            "user-agent": f"hydria/{server_version()}",
            "webhook-id": delivery.delivery_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(webhook.words.secret, delivery.delivery_id, seconds, body),
        }
        answer = await self._sender.post(webhook.words.target_url, headers, body)
        number = delivery.attempt_count + 1
        return Attempt(number, now_us, answer.duration_ms, answer.status, answer.message)

    def settle(
        self, progress: WebhookProgress, delivery: DeliveryRecord
    ) -> tuple[WebhookProgress, DeliveryRecord]:
        """Return what follows from the last attempt at the event that is next for a webhook.

        After a success, or when it is given up, the one after it is next. The waits grow as long
        as nothing succeeds, whatever is given up meanwhile.
        """
        assert delivery.event_seq is not None
        # What comes after it may have been forgotten while the attempt was made.
        dealt_with = max(progress.cursor_seq, delivery.event_seq)
        if delivery.attempts[-1].succeeded:
            done = replace(delivery, state=DeliveryState.DELIVERED, next_attempt_at_us=0)
            return WebhookProgress(dealt_with), done
        failed = progress.failed_attempts + 1
        due_us = self._clock() + int(_wait_seconds(failed) * _MICROSECONDS)
        after = WebhookProgress(dealt_with, failed_attempts=failed, next_attempt_at_us=due_us)
        if delivery.attempt_count < self._attempts_max:
            return after, replace(delivery, next_attempt_at_us=due_us)
        return after, replace(delivery, state=DeliveryState.DEAD, next_attempt_at_us=0)


def _wait_seconds(failed_attempts: int) -> float:
    """Return 5 s, 10 s, ... 15 min, less up to half of it, so that targets are not hit in step."""
    longest = FIRST_WAIT_SECONDS * 2.0 ** min(failed_attempts - 1, 20)
    return min(longest, LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0)
