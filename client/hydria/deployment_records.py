"""The values of deployments. They are frozen, and know no protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeploymentState(StrEnum):
    """The life of a deployment."""

    LIVE = "LIVE"
    """It renews its lease; what it serves cannot be deleted."""
    LOST = "LOST"
    """Its lease ran out."""
    ENDED = "ENDED"
    """It said that it ended."""
    UNKNOWN = "UNKNOWN"
    """A newer server says something that this client does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Somebody who serves a version."""

    entity: str
    name: str
    """What it calls itself."""
    host: str
    """Where it runs."""
    labels: Mapping[str, str]
    version_ref: str
    """What it serves, as a full ref `...:vN`."""
    alias: str
    """The alias that it follows; may be empty."""
    alias_version: str
    """Where that alias points now, `vN`; empty when it does not exist."""
    current: bool
    """Whether it serves what the alias points to; true without an alias."""
    state: DeploymentState
    created_at: datetime
    """When it was first heard of."""
    serving_since: datetime
    """Since when it serves this version."""
    updated_at: datetime
    """When it was last heard of."""
    expires_at: datetime
    """When its lease ends, or ended."""
