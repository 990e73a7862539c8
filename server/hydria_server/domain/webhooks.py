"""Webhooks: targets that are told what happens, and the deliveries to them, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from hydria_server.domain.event_types import Json
from hydria_server.domain.events import EventFilter

MAX_WEBHOOKS_PER_ENTITY = 100
MAX_ATTEMPTS_KEPT = 20
MAX_MESSAGE_BYTES = 1024


class WebhookState(IntEnum):
    """Whether a webhook delivers."""

    ACTIVE = 1
    PAUSED = 2


class WebhookFormat(IntEnum):
    """What a webhook sends."""

    JSON = 1
    SLACK = 2


class DeliveryState(IntEnum):
    """The life of a delivery."""

    PENDING = 1
    DELIVERED = 2
    DEAD = 3


@dataclass(frozen=True, slots=True)
class WebhookWords:
    """What the owner of a webhook chooses."""

    target_url: str
    filter: EventFilter
    format: WebhookFormat
    payload_template: str
    secret: str = field(repr=False)
    state: WebhookState = WebhookState.ACTIVE


@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """How far a webhook has come.

    Everything up to `cursor_seq` was delivered, given up or passed over, except for the delivery
    that is pending.
    """

    cursor_seq: int
    pending_delivery: int | None = None  # the id of its row
    failed_attempts: int = 0  # since the last one that succeeded
    next_attempt_at_us: int = 0


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """One webhook."""

    id: int
    entity_id: int
    entity: str
    name: str
    words: WebhookWords
    progress: WebhookProgress
    dead_count: int
    missed_count: int  # events that were forgotten before it had them
    missed_at_us: int  # when that last happened; 0: never
    revision: int  # grows with every change of the words; the etag
    created_at_us: int
    updated_at_us: int


@dataclass(frozen=True, slots=True)
class WaitingWebhook:
    """A webhook that is ACTIVE and has, or may have, something to deliver."""

    id: int
    last_event_seq: int  # of its entity
    has_pending: bool
    failed_attempts: int
    next_attempt_at_us: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was made. Status 0: there was no answer."""

    number: int
    time_us: int
    duration_ms: int
    status: int
    message: str

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One event on its way to one target. `event_seq` is None for a test."""

    webhook_id: int
    delivery_id: str
    event_seq: int | None
    event_type: str
    state: DeliveryState
    body: str
    created_at_us: int
    attempt_count: int = 0
    next_attempt_at_us: int = 0
    attempts: tuple[Attempt, ...] = ()  # the last of them
    id: int = 0  # 0 before it is stored


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An event as targets are told of it, with the names of then. Unknown texts are empty."""

    id: str
    type: str
    time_us: int
    actor: str
    entity: str
    project: str = ""
    collection: str = ""
    version: str = ""
    alias: str = ""
    previous_version: str = ""
    details: Mapping[str, Json] = field(default_factory=dict)

    @property
    def version_ref(self) -> str:
        if not self.version:
            return ""
        # Runs use versions of other entities, too.
        owner = self.details.get("entity") or self.entity
        return f"{owner}/{self.project}/{self.collection}:{self.version}"
