"""Logging metrics: into blocks of points that are sorted and do not overlap.

Points beyond the last step, the common case, go to the end: into the last block while that is
short, else into new ones. Points that go back are merged into the blocks where they belong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from hydria_server.domain.metrics import MetricRecord, MetricSeries, Points
from hydria_server.services.run_access import note_sign_of_life, require_run
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

# About as much as a page of the database, which is what a write costs at least.
SHORT_BLOCK_POINTS = 256
BLOCK_POINTS = 8192
_MAX_STEP = (1 << 63) - 1
_BLOCKS_HELD = 64


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of some points."""

    point_count: int = 0
    back_step_count: int = 0

    def plus(self, more: Logged) -> Logged:
        """Return the sum."""
        return Logged(
            self.point_count + more.point_count, self.back_step_count + more.back_step_count
        )


@dataclass(slots=True)
class _Changes:
    """What a batch does to the rows."""

    metrics: list[MetricRecord] = field(default_factory=list)
    removed: list[tuple[int, int]] = field(default_factory=list)
    added: list[tuple[int, Points]] = field(default_factory=list)

    def add(self, metric_id: int, points: Points) -> None:
        self.added.extend((metric_id, part) for part in points.parts(BLOCK_POINTS))

    async def write(self, rows: Rows) -> None:
        """Write the blocks so far; a batch that goes back everywhere must not hold them all."""
        await rows.metrics.replace_blocks(self.removed, self.added)
        self.removed.clear()
        self.added.clear()


class Metrics:
    """Takes points. Whoever logs is alive: it counts as a heartbeat."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def log(
        self, run_ref: str, attempt: int, series: Sequence[MetricSeries], *, actor: str
    ) -> Logged:
        """Store points, all or none; a point replaces that of the same key and step.

        Raises:
            FieldViolationError, NameInvalidError, NotFoundError: the ref names no run.
            RunTakenOverError: another process has resumed the run.
            RunNotRunningError: it was finished.
        """

        async def apply(rows: Rows) -> Logged:
            run = await require_run(rows, run_ref)
            await note_sign_of_life(rows, run, attempt, now_us=self._clock(), actor=actor)
            return await _store(rows, run.id, merged(series))

        return await self._metadata.write(apply)


def merged(series: Sequence[MetricSeries]) -> dict[str, Points]:
    """Return the points by key; later series go before earlier ones."""
    by_key: dict[str, Points] = {}
    for each in series:
        if not len(each.points):
            continue
        before = by_key.get(each.key)
        by_key[each.key] = before.merged(each.points) if before else each.points
    return by_key


async def _store(rows: Rows, run_id: int, points: dict[str, Points]) -> Logged:
    metrics = await _ensured(rows, run_id, points)
    tails = await rows.metrics.short_last_blocks(
        [metric.id for metric in metrics.values()], below_count=SHORT_BLOCK_POINTS
    )
    changes, back_step_count = _Changes(), 0
    for key, new in points.items():
        metric = metrics[key]
        back = bisect_right(new.steps, metric.last_step)
        back_step_count += back
        count = len(new)
        if back:
            count = await _merge(rows, metric, new, changes)
        else:
            _append(metric, new, tails.get(metric.id), changes)
        changes.metrics.append(_changed(metric, new, count))
    await changes.write(rows)
    await rows.metrics.put(run_id, changes.metrics)
    return Logged(sum(map(len, points.values())), back_step_count)


async def _ensured(rows: Rows, run_id: int, points: dict[str, Points]) -> dict[str, MetricRecord]:
    """Return the metrics of the run by key, those that are new without any point."""
    found = await rows.metrics.of_run(run_id, list(points))
    new = [key for key in points if key not in found]
    if not new:
        return found
    await rows.metrics.put(run_id, [MetricRecord(0, key, -1, 0.0, 0, 0) for key in new])
    return found | await rows.metrics.of_run(run_id, new)


def _append(metric: MetricRecord, new: Points, tail: Points | None, changes: _Changes) -> None:
    if tail is not None and len(tail) + len(new) <= SHORT_BLOCK_POINTS:
        changes.removed.append((metric.id, tail.steps[0]))
        new = tail.merged(new)
    changes.add(metric.id, new)


async def _merge(rows: Rows, metric: MetricRecord, new: Points, changes: _Changes) -> int:
    """Merge points into the blocks where they belong; return how many steps are new."""
    ranges = await rows.metrics.ranges(metric.id, first=0, last=_MAX_STEP)
    first_steps = [each.first_step for each in ranges]
    parts: dict[int, list[int]] = defaultdict(list)
    for place, step in enumerate(new.steps):
        parts[max(bisect_right(first_steps, step) - 1, 0)].append(place)
    count = 0
    for index, places in parts.items():
        (block,) = await rows.metrics.points(metric.id, [first_steps[index]])
        both = block.merged(new.part(places[0], places[-1] + 1))
        count += len(both) - len(block)
        changes.removed.append((metric.id, first_steps[index]))
        changes.add(metric.id, both)
        if len(changes.added) >= _BLOCKS_HELD:
            await changes.write(rows)
    return count


def _changed(metric: MetricRecord, new: Points, count: int) -> MetricRecord:
    """Return the metric with `count` more points, and the last value that it has now."""
    is_last = new.steps[-1] >= metric.last_step
    return MetricRecord(
        metric.id,
        metric.key,
        new.steps[-1] if is_last else metric.last_step,
        new.values[-1] if is_last else metric.last_value,
        new.times_us[-1] if is_last else metric.last_time_us,
        metric.point_count + count,
    )
