"""The values about aliases as they were. They are frozen, and know no protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hydria.records import AliasChange, Version, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasInterval:
    """An alias pointed to a version from one moment until another."""

    alias: str
    version: str
    """`vN`."""
    version_ref: str
    """The full ref of the version, by its present names."""
    from_time: datetime
    to_time: datetime | None
    """Not included; None: it still does."""
    actor: str
    """Who pointed it there."""
    state: VersionState
    """Where the version stands now: it may be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """What a rollback did."""

    change: AliasChange
    version: Version
    """The version that the alias points to now."""
