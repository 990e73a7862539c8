"""Reading metrics: last values, and histories sampled down to buckets of steps."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

from hydria_server.domain.errors import FieldViolationError, NotFoundError
from hydria_server.domain.metrics import BlockRange, MetricRecord, Points
from hydria_server.services.hashing import Hashing
from hydria_server.services.listings import Listed
from hydria_server.services.metric_buckets import Buckets, MetricHistory
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.run_access import require_run
from hydria_server.storage.metadata.interface import MetadataStore, Rows

DEFAULT_POINTS = 1_000
MAX_POINTS = 10_000
_MAX_STEP = (1 << 63) - 1
_BLOCKS_AT_ONCE = 32  # of 192 KiB at most
_READERS = 2  # of those that the metadata store has


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which part of which metric, and how many buckets at most."""

    run_ref: str
    key: str
    min_step: int = 0
    max_step: int | None = None
    max_points: int = 0
    every_point: bool = False


class MetricHistories:
    """Reads metrics. Long histories are read in their turn, a few blocks at a time (I9)."""

    def __init__(self, metadata: MetadataStore, threads: Hashing) -> None:
        self._metadata = metadata
        self._threads = threads
        self._turns = asyncio.Semaphore(_READERS)

    async def last(
        self, run_ref: str, *, prefix: str, page_size: int, page_token: str
    ) -> Listed[MetricRecord]:
        """List the metrics of a run, each with its value at its highest step.

        Raises:
            FieldViolationError, NameInvalidError, NotFoundError: the ref names no run.
            PageTokenInvalidError: the token is for another request.
        """
        bound_to = f"metrics {run_ref}\0{prefix}"
        after = decode_token(page_token, bound_to=bound_to)
        limit = page_limit(page_size)

        async def look(rows: Rows) -> Listed[MetricRecord]:
            run = await require_run(rows, run_ref)
            found = await rows.metrics.page(
                run.id, prefix=prefix, after=str(after[0]) if after else None, limit=limit + 1
            )
            cursor = (found[limit - 1].key,) if len(found) > limit else None
            return Listed(tuple(found[:limit]), encode_token(cursor, bound_to=bound_to))

        return await self._metadata.read(look)

    async def read(self, request: HistoryRequest) -> MetricHistory:
        """Return the history of one metric.

        Raises:
            FieldViolationError, NameInvalidError: the request is malformed.
            NotFoundError: there is no such run, or it never logged that key.
        """
        if request.max_points > MAX_POINTS:
            raise FieldViolationError("max_points", f"it is more than {MAX_POINTS}")
        async with self._turns:
            return await self._metadata.read(lambda rows: self._read(rows, request))

    async def _read(self, rows: Rows, request: HistoryRequest) -> MetricHistory:
        run = await require_run(rows, request.run_ref)
        metric = (await rows.metrics.of_run(run.id, [request.key])).get(request.key)
        if metric is None:
            raise NotFoundError(f"{run.ref} has no metric {request.key[:80]!r}")
        first = max(request.min_step, 0)
        last = _MAX_STEP if request.max_step is None else request.max_step
        ranges = await rows.metrics.ranges(metric.id, first=first, last=last)
        count = request.max_points or DEFAULT_POINTS
        part = _Part(rows, metric.id, ranges, first, last)
        if request.every_point or await part.has_at_most(count):
            return await _every_point(part, count)
        return await self._sampled(part, count)

    async def _sampled(self, part: _Part, count: int) -> MetricHistory:
        first = max(part.first, part.ranges[0].first_step)
        last = min(part.last, part.ranges[-1].last_step)
        buckets = Buckets(first, last, count)

        def take(group: Sequence[Points]) -> None:
            for points in group:
                buckets.take(points)

        async for group in part.groups():
            await self._threads.run(partial(take, group))
        return buckets.history


@dataclass(frozen=True, slots=True)
class _Part:
    """The points of a metric from step `first` to `last`."""

    rows: Rows
    metric_id: int
    ranges: Sequence[BlockRange]
    first: int
    last: int

    async def has_at_most(self, count: int) -> bool:
        """Tell whether there are no more points than that."""
        total = 0
        for block in self.ranges:
            if self.first <= block.first_step and block.last_step <= self.last:
                total += block.point_count
            else:  # the first and the last block at most
                total += sum(map(len, await self._load([block])))
        return total <= count

    async def groups(self) -> AsyncGenerator[list[Points], None]:
        """Yield the points, some blocks at a time."""
        for start in range(0, len(self.ranges), _BLOCKS_AT_ONCE):
            yield await self._load(self.ranges[start : start + _BLOCKS_AT_ONCE])

    async def _load(self, ranges: Sequence[BlockRange]) -> list[Points]:
        loaded = await self.rows.metrics.points(
            self.metric_id, [block.first_step for block in ranges]
        )
        return [self._trimmed(points) for points in loaded]

    def _trimmed(self, points: Points) -> Points:
        start, end = bisect_left(points.steps, self.first), bisect_right(points.steps, self.last)
        return points if (start, end) == (0, len(points)) else points.part(start, end)


async def _every_point(part: _Part, count: int) -> MetricHistory:
    """Return the first `count` points as they are."""
    history = MetricHistory()
    async for group in part.groups():
        for points in group:
            room = count - len(history.steps)
            history.add_points(points.part(0, room))
            if len(points) > room:
                history.has_more = True
                return history
    return history
