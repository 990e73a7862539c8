"""A clock that tests move by hand."""

from __future__ import annotations

_START_US = 1_800_000_000_000_000  # in January 2027
_MICROSECONDS = 1_000_000


class ManualClock:
    """Ticks by a microsecond each time it is read, and leaps when it is told to."""

    def __init__(self) -> None:
        self.now_us = _START_US

    def __call__(self) -> int:
        self.now_us += 1
        return self.now_us

    def advance(self, seconds: float) -> None:
        """Leap forward, or back for less than 0."""
        self.now_us += int(seconds * _MICROSECONDS)
