"""What can go wrong on the machine of a follower."""

from __future__ import annotations

from hydria.errors import HydriaError


class FollowRootError(HydriaError):
    """The directory to follow into is something that Hydria has not made, and is left alone."""


class FollowerRunningError(HydriaError):
    """Another follower keeps the same directory."""


class CommandFailedError(HydriaError):
    """The command that was to be told of a new version failed, or took too long."""
