"""From rows of webhooks and deliveries to records, and back. No I/O."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter
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


def webhook_columns(words: WebhookWords) -> dict[str, str | int]:
    """Return what an owner chose, as columns."""
    return {
        "state": words.state.value,
        "format": words.format.value,
        "secret": words.secret,
        "target_url": words.target_url,
        "filter_json": json.dumps(asdict(words.filter), ensure_ascii=False),
        "payload_template": words.payload_template,
    }


def webhook_of(row: RowMapping) -> WebhookRecord:
    """Return the webhook of a row with the name of its entity and the counts beside it."""
    return WebhookRecord(
        id=row["id"],
        entity_id=row["entity_id"],
        entity=row["entity"],
        name=row["name"],
        words=WebhookWords(
            target_url=row["target_url"],
            filter=_filter_of(json.loads(row["filter_json"])),
            format=WebhookFormat(row["format"]),
            payload_template=row["payload_template"],
            secret=row["secret"],
            state=WebhookState(row["state"]),
        ),
        progress=WebhookProgress(
            cursor_seq=row["cursor_seq"],
            pending_delivery=row["pending_delivery_id"],
            failed_attempts=row["failed_attempts"],
            next_attempt_at_us=row["next_attempt_at_us"],
        ),
        dead_count=row["dead_count"],
        missed_count=row["missed_count"],
        missed_at_us=row["missed_at_us"],
        revision=row["revision"],
        created_at_us=row["created_at_us"],
        updated_at_us=row["updated_at_us"],
    )


def _filter_of(document: dict[str, Any]) -> EventFilter:
    return EventFilter(
        project=document["project"],
        collections=tuple(document["collections"]),
        aliases=tuple(document["aliases"]),
        types=tuple(map(EventType, document["types"])),
    )


def delivery_columns(delivery: DeliveryRecord) -> dict[str, str | int | None]:
    """Return a delivery as columns."""
    return {
        "webhook_id": delivery.webhook_id,
        "delivery_id": delivery.delivery_id,
        "event_seq": delivery.event_seq,
        "event_type": delivery.event_type,
        "state": delivery.state.value,
        "attempt_count": delivery.attempt_count,
        "next_attempt_at_us": delivery.next_attempt_at_us,
        "created_at_us": delivery.created_at_us,
        "attempts_json": json.dumps([asdict(attempt) for attempt in delivery.attempts]),
        "body": delivery.body,
    }


def delivery_of(row: RowMapping) -> DeliveryRecord:
    """Return the delivery of a row."""
    attempts = tuple(Attempt(**attempt) for attempt in json.loads(row["attempts_json"]))
    words = {name: row[name] for name in row if name not in ("state", "attempts_json")}
    return DeliveryRecord(**words, state=DeliveryState(row["state"]), attempts=attempts)
