"""The values of followers. They are frozen, and know no protobuf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVersion:
    """The version that a follower has in place."""

    version_ref: str
    """As a full ref `...:vN`."""
    digest: str
    """`blake3:<hex>`."""
    path: Path
    """Where its files are. They stay there until the version after the next one is in place."""


class NoticeKind(StrEnum):
    """What a follower has to say."""

    CURRENT = "current"
    """It is in place, and nothing had to be done."""
    FETCHING = "fetching"
    """It is being downloaded."""
    SWAPPED = "swapped"
    """It is in place."""
    TOLD = "told"
    """The callback, or the command, is done with it."""
    CALLBACK_FAILED = "callback_failed"
    """The callback, or the command, failed. It is not called again for this version."""
    GONE = "gone"
    """The alias leads nowhere; what is in place stays."""
    RETRYING = "retrying"
    """Something failed, and is tried again."""
    UNREPORTED = "unreported"
    """The server could not be told what is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowNotice:
    """One thing that a follower has to say."""

    kind: NoticeKind
    version_ref: str
    """Which version; empty for none."""
    path: Path | None = None
    """Where it is, if it is in place."""
    message: str = ""
    """What went wrong."""
    seconds: float = 0.0
    """How long it took: since the follower learned of it, or what the callback took."""
    received_bytes: int = 0
    """What came from the server for it."""


OnNotice = Callable[[FollowNotice], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """How a follower behaves."""

    references: bool = True
    """Whether to fetch what references point at, with the credentials of this process."""
    is_reported: bool = True
    """Whether to tell the server what is served, so that it cannot be deleted."""
    name: str = ""
    """What the deployment calls itself; by default the name of the collection."""
    host: str = ""
    """Where it runs; by default the host's name and the directory."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Words about the deployment."""
    lease_seconds: int = 60
    """For how long the server believes a report: 5 to 86,400. It is renewed thrice as often."""
