"""Messages about webhooks to values of the library, and back. Pure functions."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.errors import InvalidArgumentError
from hydria.messages import time_of
from hydria.v1 import registry_pb2 as pb
from hydria.webhook_records import (
    DeliveryState,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookFilter,
    WebhookFormat,
    WebhookState,
)

_EVENT_TYPE = "EVENT_TYPE_"
STATES = {
    WebhookState.ACTIVE: pb.WEBHOOK_STATE_ACTIVE,
    WebhookState.PAUSED: pb.WEBHOOK_STATE_PAUSED,
}
FORMATS = {
    WebhookFormat.JSON: pb.WEBHOOK_FORMAT_JSON,
    WebhookFormat.SLACK: pb.WEBHOOK_FORMAT_SLACK,
}

UNSAID = pb.WEBHOOK_FORMAT_UNSPECIFIED


def filter_message(filter_: WebhookFilter) -> pb.EventFilter:
    """Return the message for a filter.

    Raises:
        InvalidArgumentError: there is no such type of event.
    """
    return pb.EventFilter(
        project=filter_.project,
        collections=filter_.collections,
        aliases=filter_.aliases,
        types=map(_event_type, filter_.types),
    )


def _event_type(name: str) -> pb.EventType.ValueType:
    known = {key.removeprefix(_EVENT_TYPE).lower(): number for key, number in pb.EventType.items()}
    del known["unspecified"]
    if name not in known:
        raise InvalidArgumentError(f"{name!r} is no type of event, but {', '.join(sorted(known))}")
    return known[name]


def webhook_of(message: pb.Webhook, *, secret: str = "") -> Webhook:
    """Return the webhook that a message describes."""
    types = map(pb.EventType.Name, message.filter.types)
    slack = message.format == pb.WEBHOOK_FORMAT_SLACK
    paused = message.state == pb.WEBHOOK_STATE_PAUSED
    return Webhook(
        entity=message.entity,
        name=message.name,
        url=message.target_url,
        filter=WebhookFilter(
            project=message.filter.project,
            collections=tuple(message.filter.collections),
            aliases=tuple(message.filter.aliases),
            types=tuple(name.removeprefix(_EVENT_TYPE).lower() for name in types),
        ),
        format=WebhookFormat.SLACK if slack else WebhookFormat.JSON,
        payload_template=message.payload_template,
        state=WebhookState.PAUSED if paused else WebhookState.ACTIVE,
        failed_attempts=message.failed_attempts,
        next_attempt_at=_time_or_none(message.HasField("next_attempt_at"), message.next_attempt_at),
        dead_count=message.dead_count,
        missed_count=message.missed_count,
        missed_at=_time_or_none(message.HasField("missed_at"), message.missed_at),
        created_at=time_of(message.created_at),
        updated_at=time_of(message.updated_at),
        etag=message.etag,
        secret=secret,
    )


def delivery_of(message: pb.WebhookDelivery) -> WebhookDelivery:
    """Return the delivery that a message describes."""
    state = pb.WebhookDeliveryState.Name(message.state)
    return WebhookDelivery(
        delivery_id=message.delivery_id,
        event_type=message.event_type,
        state=DeliveryState(state.removeprefix("WEBHOOK_DELIVERY_STATE_")),
        attempt_count=message.attempt_count,
        attempts=tuple(map(_attempt_of, message.attempts)),
        next_attempt_at=_time_or_none(message.HasField("next_attempt_at"), message.next_attempt_at),
        request_body=message.request_body,
        created_at=time_of(message.created_at),
    )


def _attempt_of(message: pb.WebhookAttempt) -> WebhookAttempt:
    return WebhookAttempt(
        number=message.number,
        time=time_of(message.time),
        duration_ms=message.duration_ms,
        status=message.status,
        message=message.message,
    )


def _time_or_none(is_there: bool, time: Timestamp) -> datetime | None:
    return time_of(time) if is_there else None
