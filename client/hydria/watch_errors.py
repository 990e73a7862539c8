"""What a watch can be refused for, beside what every call can."""

from __future__ import annotations

from hydria.errors import HydriaError, InvalidArgumentError


class WatchTokenInvalidError(InvalidArgumentError):
    """The token of a watch is garbled, or of another store or entity."""

    reason = "WATCH_TOKEN_INVALID"


class WatchTokenCompactedError(HydriaError):
    """The history no longer reaches back to the token: watch without one."""

    reason = "WATCH_TOKEN_COMPACTED"


class WatchTokenFromFutureError(HydriaError):
    """The store was set back since the token was made: watch without one."""

    reason = "WATCH_TOKEN_FROM_FUTURE"
