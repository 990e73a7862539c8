"""Points that wait to be sent, by key."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hydria.errors import InvalidArgumentError
from hydria.v1 import lineage_pb2 as pb

BATCH_POINTS = 10_000
_KEY_CHARACTERS = 256


@dataclass(slots=True)
class _Column:
    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    times_us: array[int] = field(default_factory=lambda: array("q"))


class MetricBuffer:
    """Takes points one by one, and hands them out in batches."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self.point_count = 0

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Take one value for each key.

        Raises:
            InvalidArgumentError: a value is no number, the step is none, or a key is none.
        """
        numbers = {require_key(key): number_of(key, value) for key, value in values.items()}
        require_step(step)
        now_us = time.time_ns() // 1000
        for key, value in numbers.items():
            column = self._columns.setdefault(key, _Column())
            column.steps.append(step)
            column.values.append(value)
            column.times_us.append(now_us)
        self.point_count += len(numbers)

    def take(self) -> list[pb.MetricBatch]:
        """Return all points in batches, and forget them."""
        columns, self._columns, self.point_count = self._columns, {}, 0
        batches: list[pb.MetricBatch] = []
        room = 0
        for key, column in columns.items():
            start = 0
            while start < len(column.steps):
                if not room:
                    batches.append(pb.MetricBatch())
                    room = BATCH_POINTS
                end = min(start + room, len(column.steps))
                batches[-1].series.add(
                    key=key,
                    steps=column.steps[start:end],
                    values=column.values[start:end],
                    times_us=column.times_us[start:end],
                )
                room -= end - start
                start = end
        return batches


def series_batches(
    key: str, steps: Sequence[int], values: Sequence[float]
) -> Iterator[pb.MetricBatch]:
    """Yield the points of one metric in batches.

    Raises:
        InvalidArgumentError: there are more steps than values, or fewer, or one is none.
    """
    require_key(key)
    if len(steps) != len(values):
        raise InvalidArgumentError(f"{key!r} has {len(steps)} steps and {len(values)} values")
    for start in range(0, len(steps), BATCH_POINTS):
        end = start + BATCH_POINTS
        part = [number_of(key, value) for value in values[start:end]]
        yield pb.MetricBatch(series=[pb.MetricSeries(key=key, steps=steps[start:end], values=part)])


def require_key(key: str) -> str:
    """Return `key` if it may name a metric: 1 to 256 printable characters.

    Raises:
        InvalidArgumentError: it may not.
    """
    if not 1 <= len(key) <= _KEY_CHARACTERS or not key.isprintable():
        raise InvalidArgumentError(f"{key[:80]!r} is not 1 to 256 printable characters")
    return key


def number_of(key: str, value: float) -> float:
    """Return a value as a number.

    Raises:
        InvalidArgumentError: it is none, or too large for 64 bits.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgumentError(f"the value of {key!r} is no number: {value!r:.80}") from None


def require_step(step: int) -> None:
    """Return when `step` may be one.

    Raises:
        InvalidArgumentError: it is negative, or over 63 bits.
    """
    if not 0 <= step < 1 << 63:
        raise InvalidArgumentError(f"{step} is no step: steps are 0 or more")
