"""Deployments: who serves which version. Times are microseconds UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from hydria_server.domain.errors import FieldViolationError, ResourceExhaustedError
from hydria_server.domain.names import require_name

MAX_DEPLOYMENTS = 10_000  # of an entity
MAX_LABELS = 64
MAX_CHARACTERS = 256  # of a host, or of a label's value
LEASE_SECONDS = 60
LEASE_SECONDS_MIN = 5
LEASE_SECONDS_MAX = 86_400


class DeploymentState(IntEnum):
    """The life of a deployment. Only LIVE and ENDED are kept: LOST is LIVE after its lease."""

    LIVE = 1
    LOST = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class DeploymentKey:
    """By what a deployment is known."""

    entity_id: int
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class DeploymentDraft:
    """What a report says, and how long it is believed. Labels are `KEY=VALUE`, sorted."""

    key: DeploymentKey
    collection_id: int
    version_id: int
    alias: str
    labels: tuple[str, ...]
    serving_since_us: int
    now_us: int
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """A deployment as it stands at some moment, by the present names of what it serves."""

    id: int
    entity_id: int
    entity: str
    project: str
    collection: str
    version_id: int
    number: int
    name: str
    host: str
    labels: tuple[str, ...]
    alias: str
    alias_number: int | None  # where the alias points; None: nowhere
    is_current: bool
    state: DeploymentState
    created_at_us: int
    serving_since_us: int
    updated_at_us: int
    expires_at_us: int

    @property
    def version_ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.number}"


@dataclass(frozen=True, slots=True)
class DeploymentScope:
    """Which deployments: of a collection, else of a project or registry, else of the entity."""

    entity_id: int
    project_id: int | None = None
    collection_id: int | None = None


class TooManyDeploymentsError(ResourceExhaustedError):
    """The entity has as many deployments as it may have."""

    reason = "TOO_MANY_DEPLOYMENTS"


def require_host(text: str) -> str:
    """Return `text` when it may say where something runs.

    Raises:
        FieldViolationError: it is empty, too long, or has control characters.
    """
    if not text:
        raise FieldViolationError("host", "it is empty")
    _require_plain(text, field="host")
    return text


def require_lease(seconds: int) -> int:
    """Return the length of a lease in seconds; 0 stands for the usual one.

    Raises:
        FieldViolationError: it is too short or too long.
    """
    if seconds and not LEASE_SECONDS_MIN <= seconds <= LEASE_SECONDS_MAX:
        raise FieldViolationError(
            "lease_seconds", f"{seconds} is not {LEASE_SECONDS_MIN} to {LEASE_SECONDS_MAX}, or 0"
        )
    return seconds or LEASE_SECONDS


def require_labels(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return labels as `KEY=VALUE`, sorted.

    Raises:
        FieldViolationError: there are too many, or a key or value breaks the rules.
        NameInvalidError: a key is no name.
    """
    if len(labels) > MAX_LABELS:
        raise FieldViolationError("labels", f"{len(labels)} are more than {MAX_LABELS}")
    for key, value in labels.items():
        require_name(key, field="labels")
        if "=" in key:
            raise FieldViolationError("labels", f"the key {key[:80]!r} has a '='")
        _require_plain(value, field="labels")
    return tuple(sorted(f"{key}={value}" for key, value in labels.items()))


def _require_plain(text: str, *, field: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise FieldViolationError(field, f"it has more than {MAX_CHARACTERS} characters")
    if any(character < " " or character == "\x7f" for character in text):
        raise FieldViolationError(field, f"{text[:80]!r} has a control character")
