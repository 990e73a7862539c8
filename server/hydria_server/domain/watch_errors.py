"""What a watcher is refused for."""

from __future__ import annotations

from hydria_server.domain.errors import (
    HydriaError,
    InvalidArgumentError,
    ResourceExhaustedError,
)


class WatchTokenInvalidError(InvalidArgumentError):
    """The token is garbled, or of another store or entity."""

    reason = "WATCH_TOKEN_INVALID"


class WatchTokenOutOfRangeError(HydriaError):
    """The history does not have the place that the token names."""

    reason = "WATCH_TOKEN_COMPACTED"


class WatchTokenCompactedError(WatchTokenOutOfRangeError):
    """The history no longer reaches back to the token: begin without one."""


class WatchTokenFromFutureError(WatchTokenOutOfRangeError):
    """The token is newer than the history, for the store was set back: begin without one."""

    reason = "WATCH_TOKEN_FROM_FUTURE"


class TooManyWatchesError(ResourceExhaustedError):
    """The server serves as many watchers as it may."""

    reason = "TOO_MANY_WATCHES"
