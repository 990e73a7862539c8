"""What a follower remembers over restarts: one small file, replaced as a whole."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A version in a directory of its own."""

    name: str
    """Of the directory."""
    version_ref: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowState:
    """Where a follower stands."""

    ref: str = ""
    """What is followed. The token is good for this only."""
    token: str = ""
    """Where to go on watching, in hex: after what is dealt with."""
    current: Placed | None = None
    next: Placed | None = None
    """What the link is about to lead to. Whether it does already, the link itself says."""
    previous: Placed | None = None
    is_told: bool = True
    """Whether the callback is done with the current version."""


def load_state(path: Path) -> FollowState:
    """Return what was kept; the empty state if there is nothing, or nothing that makes sense."""
    try:
        document = json.loads(path.read_bytes())
        if document.pop("format") != _FORMAT:
            return FollowState()
        for name in ("current", "next", "previous"):
            document[name] = Placed(**document[name]) if document[name] else None
        bytes.fromhex(document["token"])
        return FollowState(**document)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return FollowState()


def save_state(path: Path, state: FollowState) -> None:
    """Keep a state; it is on the disk when this returns.

    Raises:
        OSError: the disk refuses.
    """
    data = json.dumps({"format": _FORMAT, **asdict(state)}).encode()
    new = path.with_name(f"{path.name}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb", buffering=0) as file:
        while data:  # a disk that is nearly full takes a part
            data = data[file.write(data) :]
        os.fsync(fd)
    new.replace(path)
    sync_directory(path.parent)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Return once the names in a directory are on the disk.

    Raises:
        OSError: the disk refuses.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
