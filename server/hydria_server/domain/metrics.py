"""Metrics: points in columns, sorted by step. A point is named by its key and step."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from hydria_server.domain.errors import FieldViolationError

MAX_KEY_CHARACTERS = 256
MAX_POINTS_PER_BATCH = 50_000

Column = TypeVar("Column", "array[int]", "array[float]")


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one metric. `steps` ascend strictly; NaN and infinities are values like others."""

    steps: array[int]  # 64 bits each, as are the others
    values: array[float]
    times_us: array[int]

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, first: int, last: int) -> Points:
        """Return the points from place `first` to before `last`."""
        return Points(self.steps[first:last], self.values[first:last], self.times_us[first:last])

    def parts(self, size: int) -> Iterator[Points]:
        """Yield the points in parts of at most `size`."""
        for first in range(0, len(self), size):
            yield self.part(first, first + size)

    def merged(self, later: Points) -> Points:
        """Return these points and `later` ones, which replace those at the same step."""
        if not len(self) or (len(later) and self.steps[-1] < later.steps[0]):
            return Points(
                self.steps + later.steps,
                self.values + later.values,
                self.times_us + later.times_us,
            )
        return points_of(
            self.steps + later.steps, self.values + later.values, self.times_us + later.times_us
        )


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Points of one metric, as they were logged."""

    key: str
    points: Points


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One metric of a run, with its value at its highest step."""

    id: int
    key: str
    last_step: int
    last_value: float
    last_time_us: int
    point_count: int


@dataclass(frozen=True, slots=True)
class BlockRange:
    """A block of points: what it holds, without the points. Blocks of a metric do not overlap."""

    first_step: int
    last_step: int
    point_count: int


def points_of(steps: Sequence[int], values: Sequence[float], times_us: Sequence[int]) -> Points:
    """Return points sorted by step; of several at one step, the last of them."""
    columns = Points(array("q", steps), array("d", values), array("q", times_us))
    if all(before < after for before, after in pairwise(steps)):
        return columns
    places = {step: place for place, step in enumerate(steps)}
    order = [places[step] for step in sorted(places)]
    return Points(
        array("q", (steps[place] for place in order)),
        array("d", (values[place] for place in order)),
        array("q", (times_us[place] for place in order)),
    )


def require_key(text: str, *, field: str) -> str:
    """Return `text` when it may name a metric: 1 to 256 characters, all printable.

    Raises:
        FieldViolationError: it may not.
    """
    if not 1 <= len(text) <= MAX_KEY_CHARACTERS or not text.isprintable():
        raise FieldViolationError(
            field, f"{text[:80]!r} is not 1 to {MAX_KEY_CHARACTERS} printable characters"
        )
    return text


def require_steps(steps: Iterable[int], *, field: str) -> None:
    """Return when no step is negative.

    Raises:
        FieldViolationError: one is.
    """
    if min(steps, default=0) < 0:
        raise FieldViolationError(field, "a step is negative")


def to_bytes(column: Column) -> bytes:
    """Return a column as it is stored: 8 bytes each, little-endian."""
    return _little_endian(column[:]).tobytes()


def integers(data: bytes) -> array[int]:
    """Return a stored column of integers."""
    column = array("q")
    column.frombytes(data)
    return _little_endian(column)


def numbers(data: bytes) -> array[float]:
    """Return a stored column of values."""
    column = array("d")
    column.frombytes(data)
    return _little_endian(column)


def _little_endian(column: Column) -> Column:
    if sys.byteorder == "big":
        column.byteswap()
    return column
