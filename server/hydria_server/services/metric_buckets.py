"""A long history as a short one: what is least, greatest and last in each range of steps.

Plain synchronous code, for a worker thread.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from hydria_server.domain.metrics import Points


@dataclass(slots=True)
class MetricHistory:
    """Buckets of points, by columns. Where nothing was sampled each point is a bucket."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    last_values: array[float] = field(default_factory=lambda: array("d"))
    times_us: array[int] = field(default_factory=lambda: array("q"))
    min_values: array[float] = field(default_factory=lambda: array("d"))
    max_values: array[float] = field(default_factory=lambda: array("d"))
    point_counts: array[int] = field(default_factory=lambda: array("q"))
    nan_counts: array[int] = field(default_factory=lambda: array("q"))
    sampled: bool = False
    has_more: bool = False

    def add_points(self, points: Points) -> None:
        """Add points as they are."""
        self.steps += points.steps
        self.last_values += points.values
        self.times_us += points.times_us


class Buckets:
    """Divides the steps from `first` to `last` into `count` equal ranges, and takes their points.

    NaN is neither least nor greatest, unless there is nothing else.
    """

    def __init__(self, first: int, last: int, count: int) -> None:
        self.history = MetricHistory(sampled=True)
        self._first = first
        self._span = last - first + 1
        self._count = count
        self._open = -1  # the bucket that the last entry of the history is of

    def take(self, points: Points) -> None:
        """Take points that follow those taken before."""
        start = 0
        while start < len(points):
            bucket = (points.steps[start] - self._first) * self._count // self._span
            beyond = self._first - (-(bucket + 1) * self._span // self._count)  # rounded up
            end = bisect_left(points.steps, beyond, start)
            self._take(bucket, points, start, end)
            start = end

    def _take(self, bucket: int, points: Points, start: int, end: int) -> None:
        values = points.values[start:end]
        least, greatest, nan_count = _extremes(values)
        history = self.history
        if bucket == self._open:
            least = _of_both(min, history.min_values.pop(), least)
            greatest = _of_both(max, history.max_values.pop(), greatest)
            nan_count += history.nan_counts.pop()
            count = history.point_counts.pop() + len(values)
            del history.steps[-1], history.last_values[-1], history.times_us[-1]
        else:
            count, self._open = len(values), bucket
        history.steps.append(points.steps[end - 1])
        history.last_values.append(values[-1])
        history.times_us.append(points.times_us[end - 1])
        history.min_values.append(least)
        history.max_values.append(greatest)
        history.point_counts.append(count)
        history.nan_counts.append(nan_count)


def _extremes(values: array[float]) -> tuple[float, float, int]:
    """Return the least and the greatest value, and how many are NaN."""
    if not math.isnan(sum(values)):  # which one NaN makes NaN; opposite infinities do too
        return min(values), max(values), 0
    numbers = [value for value in values if value == value]
    if not numbers:
        return math.nan, math.nan, len(values)
    return min(numbers), max(numbers), len(values) - len(numbers)


def _of_both(choose: Callable[[float, float], float], one: float, other: float) -> float:
    if math.isnan(one):
        return other
    return one if math.isnan(other) else choose(one, other)
