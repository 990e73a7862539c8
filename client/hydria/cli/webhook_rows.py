"""Webhooks and deliveries as rows of JSON, and as lines and cells for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hydria.cli.listing import Layout
from hydria.cli.rows import Row, rfc3339
from hydria.cli.text import names_text, seconds_text, time_text

if TYPE_CHECKING:
    from hydria.webhook_records import Webhook, WebhookAttempt, WebhookDelivery


def webhook_row(webhook: Webhook) -> Row:
    """Return all that is known of a webhook; its secret only where it was just made."""
    shown: Row = {"secret": webhook.secret} if webhook.secret else {}
    return {
        "name": webhook.name,
        "path": webhook.path,
        "url": webhook.url,
        "state": webhook.state.value,
        "format": webhook.format.value,
        "payload_template": webhook.payload_template or None,
        "project": webhook.filter.project or None,
        "collections": webhook.filter.collections,
        "aliases": webhook.filter.aliases,
        "types": webhook.filter.types,
        "failed_attempts": webhook.failed_attempts,
        "next_attempt_at": rfc3339(webhook.next_attempt_at) if webhook.next_attempt_at else None,
        "dead_count": webhook.dead_count,
        "missed_count": webhook.missed_count,
        "missed_at": rfc3339(webhook.missed_at) if webhook.missed_at else None,
        "created_at": rfc3339(webhook.created_at),
        "updated_at": rfc3339(webhook.updated_at),
        "etag": webhook.etag,
        **shown,
    }


def webhook_lines(webhook: Webhook) -> Iterator[str]:
    """Yield what people read of one webhook."""
    yield webhook.path
    yield f"  url        {webhook.url}"
    yield f"  state      {webhook.state.value}"
    yield f"  format     {webhook.format.value}"
    chosen = webhook.filter
    for word, names in (
        ("project", (chosen.project,) if chosen.project else ()),
        ("only", chosen.collections),
        ("aliases", chosen.aliases),
        ("types", chosen.types),
    ):
        if names:
            yield f"  {word:<9}  {names_text(names)}"
    if webhook.failed_attempts:
        yield f"  failing    {webhook.failed_attempts} attempts, one after the other"
    if webhook.next_attempt_at:
        yield f"  next       {time_text(webhook.next_attempt_at)}"
    if webhook.dead_count:
        yield f"  given up   {webhook.dead_count:,} (hydria webhook deliveries)"
    if webhook.missed_at:
        missed = f"{webhook.missed_count:,} events, forgotten before it had them"
        yield f"  missed     {missed}; the last at {time_text(webhook.missed_at)}"
    if webhook.secret:
        yield f"  secret     {webhook.secret}  (keep it: it is not shown again)"


def delivery_row(delivery: WebhookDelivery) -> Row:
    """Return all that is known of a delivery."""
    return {
        "delivery_id": delivery.delivery_id,
        "event_type": delivery.event_type,
        "state": delivery.state.value,
        "attempt_count": delivery.attempt_count,
        "attempts": [_attempt_row(attempt) for attempt in delivery.attempts],
        "next_attempt_at": rfc3339(delivery.next_attempt_at) if delivery.next_attempt_at else None,
        "request_body": delivery.request_body,
        "created_at": rfc3339(delivery.created_at),
    }


def _attempt_row(attempt: WebhookAttempt) -> Row:
    return {
        "number": attempt.number,
        "time": rfc3339(attempt.time),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status or None,
        "message": attempt.message,
    }


def delivery_text(delivery: WebhookDelivery) -> str:
    """Return what came of the last attempt, in one line."""
    last = delivery.attempts[-1]
    took = seconds_text(last.duration_ms / 1000)
    status = f"HTTP {last.status}" if last.status else "no answer"
    said = " ".join(last.message.split())[:200]
    return f"{delivery.delivery_id} {delivery.state.value}: {status} in {took}  {said}".rstrip()


def _webhook_cells(webhook: Webhook) -> Sequence[str]:
    failing = f"{webhook.failed_attempts:,}" if webhook.failed_attempts else "-"
    missed = f"{webhook.missed_count:,}" if webhook.missed_count else "-"
    given_up = f"{webhook.dead_count:,}"
    return webhook.name, webhook.state.value, failing, given_up, missed, webhook.url


def _delivery_cells(delivery: WebhookDelivery) -> Sequence[str]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return (
        delivery.delivery_id,
        delivery.event_type,
        delivery.state.value,
        f"{delivery.attempt_count:,}",
        str(last.status) if last and last.status else "-",
        time_text(last.time if last else delivery.created_at),
    )


WEBHOOKS = Layout(
    webhook_row,
    _webhook_cells,
    ("NAME", "STATE", "FAILING", "GIVEN UP", "MISSED", "URL"),
    right=("FAILING", "GIVEN UP", "MISSED"),
)
DELIVERIES = Layout(
    delivery_row,
    _delivery_cells,
    ("ID", "EVENT", "STATE", "ATTEMPTS", "STATUS", "LAST"),
    right=("ATTEMPTS", "STATUS"),
)
