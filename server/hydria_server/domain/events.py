"""What is asked of the history of an entity, and what it answers, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventBounds:
    """Which events of an entity are kept: `first` to `last`; `first` is `last + 1` for none."""

    first: int
    last: int
    last_time_us: int
