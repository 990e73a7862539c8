"""Pure conversions between messages and what the services of webhooks know. No I/O."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import registry_pb2 as pb
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.events import EventFilter
from hydria_server.domain.webhooks import (
    Attempt,
    DeliveryRecord,
    DeliveryState,
    WebhookFormat,
    WebhookRecord,
    WebhookState,
)
from hydria_server.rpc.events import EVENT_TYPES
from hydria_server.rpc.messages import timestamp
from hydria_server.services.etags import format_etag

_STATES = {
    WebhookState.ACTIVE: pb.WEBHOOK_STATE_ACTIVE,
    WebhookState.PAUSED: pb.WEBHOOK_STATE_PAUSED,
}
_FORMATS = {
    WebhookFormat.JSON: pb.WEBHOOK_FORMAT_JSON,
    WebhookFormat.SLACK: pb.WEBHOOK_FORMAT_SLACK,
}
_DELIVERY_STATES = {
    DeliveryState.PENDING: pb.WEBHOOK_DELIVERY_STATE_PENDING,
    DeliveryState.DELIVERED: pb.WEBHOOK_DELIVERY_STATE_DELIVERED,
    DeliveryState.DEAD: pb.WEBHOOK_DELIVERY_STATE_DEAD,
}


def webhook_message(webhook: WebhookRecord) -> pb.Webhook:
    """Return a webhook as clients see it: without its secret."""
    words, progress = webhook.words, webhook.progress
    return pb.Webhook(
        entity=webhook.entity,
        name=webhook.name,
        target_url=words.target_url,
        filter=_filter_message(words.filter),
        format=_FORMATS[words.format],
        payload_template=words.payload_template,
        state=_STATES[words.state],
        failed_attempts=progress.failed_attempts,
        next_attempt_at=_time_or_none(progress.next_attempt_at_us),
        dead_count=webhook.dead_count,
        missed_count=webhook.missed_count,
        missed_at=_time_or_none(webhook.missed_at_us),
        created_at=timestamp(webhook.created_at_us),
        updated_at=timestamp(webhook.updated_at_us),
        etag=format_etag(webhook.revision),
    )


def _time_or_none(time_us: int) -> Timestamp | None:
    return timestamp(time_us) if time_us else None


def _filter_message(filter_: EventFilter) -> pb.EventFilter:
    return pb.EventFilter(
        project=filter_.project,
        collections=filter_.collections,
        aliases=filter_.aliases,
        types=[EVENT_TYPES[type_] for type_ in filter_.types],
    )


def webhook_format(number: int) -> WebhookFormat:
    """Return what a webhook shall send; JSON where nothing is said.

    Raises:
        FieldViolationError: there is no such format.
    """
    for format_, known in _FORMATS.items():
        if known == (number or pb.WEBHOOK_FORMAT_JSON):
            return format_
    raise FieldViolationError("format", f"there is no format {number}")


def webhook_state(number: int) -> WebhookState:
    """Return the state that a webhook shall have.

    Raises:
        FieldViolationError: there is no such state.
    """
    for state, known in _STATES.items():
        if known == number:
            return state
    raise FieldViolationError("state", "it is neither ACTIVE nor PAUSED")


def delivery_message(delivery: DeliveryRecord) -> pb.WebhookDelivery:
    """Return a delivery as clients see it."""
    return pb.WebhookDelivery(
        delivery_id=delivery.delivery_id,
        event_type=delivery.event_type,
        state=_DELIVERY_STATES[delivery.state],
        attempt_count=delivery.attempt_count,
        attempts=map(_attempt_message, delivery.attempts),
        next_attempt_at=_time_or_none(delivery.next_attempt_at_us),
        request_body=delivery.body,
        created_at=timestamp(delivery.created_at_us),
    )


def _attempt_message(attempt: Attempt) -> pb.WebhookAttempt:
    return pb.WebhookAttempt(
        number=attempt.number,
        time=timestamp(attempt.time_us),
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        message=attempt.message,
    )
