"""What the library knows of webhooks and of their deliveries. Frozen, and without protobuf."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class WebhookState(StrEnum):
    """Whether a webhook delivers."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class WebhookFormat(StrEnum):
    """What a webhook sends."""

    JSON = "JSON"
    """The event as JSON, or a template filled in."""
    SLACK = "SLACK"
    """A message for an incoming webhook of Slack."""


class DeliveryState(StrEnum):
    """The life of a delivery."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    """Given up; `redeliver` sends it once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFilter:
    """Which events a webhook is told of; what is empty selects all."""

    project: str = ""
    """A project or registry."""
    collections: tuple[str, ...] = ()
    """Collections of it."""
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """In small letters: `alias_set`, `version_committed`, `version_linked`, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A target that is told what happens in an entity."""

    entity: str
    name: str
    url: str
    filter: WebhookFilter
    format: WebhookFormat
    payload_template: str
    state: WebhookState
    failed_attempts: int
    """How many attempts failed since the last that did not."""
    next_attempt_at: datetime | None
    """When the next attempt is due, where one waits for its time."""
    dead_count: int
    """How many deliveries in the log were given up."""
    missed_count: int
    """How many events the server forgot before this webhook had looked at them."""
    missed_at: datetime | None
    """When that last happened."""
    created_at: datetime
    updated_at: datetime
    etag: str
    secret: str = field(default="", repr=False)
    """The key of the signature, only where it was just made or changed: no read tells it."""

    @property
    def path(self) -> str:
        """`ENTITY/NAME`, as it is called."""
        return f"{self.entity}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """One request that was made."""

    number: int
    time: datetime
    duration_ms: int
    status: int
    """0 when there was no whole answer."""
    message: str
    """What went wrong, or the beginning of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event on its way to one target."""

    delivery_id: str
    """Sent as `webhook-id`, the same in every attempt."""
    event_type: str
    state: DeliveryState
    attempt_count: int
    attempts: tuple[WebhookAttempt, ...]
    """The last of them, the newest at the end."""
    next_attempt_at: datetime | None
    request_body: str
    created_at: datetime

    @property
    def last_succeeded(self) -> bool:
        """Whether the target took it at the last attempt."""
        return bool(self.attempts) and 200 <= self.attempts[-1].status < 300
