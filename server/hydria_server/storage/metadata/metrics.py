"""Rows of metrics, in one transaction."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.metrics import (
    BlockRange,
    MetricRecord,
    Points,
    integers,
    numbers,
    to_bytes,
)
from hydria_server.storage.metadata.dialect import batches, insert, insert_rows, insert_sql
from hydria_server.storage.metadata.lineage_tables import METRIC, METRIC_BLOCK

_VALUE: Final = struct.Struct("<d")
_BLOCK = METRIC_BLOCK.c
_METRICS: Final = select(
    METRIC.c.id,
    METRIC.c.key,
    METRIC.c.last_step,
    METRIC.c.last_value,
    METRIC.c.last_time_us,
    METRIC.c.point_count,
)
_PAGE = (
    _METRICS.where(METRIC.c.run_id == bindparam("run_id"), METRIC.c.key > bindparam("after"))
    .order_by(METRIC.c.key)
    .limit(bindparam("limit"))
)
_PAGE_OF_PREFIX = _PAGE.where(
    METRIC.c.key >= bindparam("prefix"),
    func.substr(METRIC.c.key, 1, func.length(bindparam("prefix"))) == bindparam("prefix"),
)
_REPLACE = (
    update(METRIC)
    .where(METRIC.c.id == bindparam("of_metric"))
    .values(
        last_step=bindparam("step"),
        last_value=bindparam("value"),
        last_time_us=bindparam("time_us"),
        point_count=bindparam("count"),
    )
)
_POINTS: Final = select(_BLOCK.metric_id, _BLOCK.steps, _BLOCK.point_values, _BLOCK.times_us)
_RANGES = (
    select(_BLOCK.first_step, _BLOCK.last_step, _BLOCK.point_count)
    .where(
        _BLOCK.metric_id == bindparam("metric_id"),
        _BLOCK.first_step <= bindparam("last"),
        _BLOCK.last_step >= bindparam("first"),
    )
    .order_by(_BLOCK.first_step)
)
_REMOVE = delete(METRIC_BLOCK).where(
    _BLOCK.metric_id == bindparam("of_metric"), _BLOCK.first_step == bindparam("from_step")
)
_ADDED: Final = (
    "metric_id", "first_step", "last_step", "point_count", "steps", "point_values", "times_us",
)  # fmt: skip


@lru_cache(maxsize=8)
def _add_sql(dialect: Dialect) -> str:
    return insert_sql(insert(dialect.name, METRIC_BLOCK), _ADDED, dialect)


class SqlMetrics:
    """Rows of metrics, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_run(self, run_id: int, keys: Collection[str]) -> dict[str, MetricRecord]:
        found: dict[str, MetricRecord] = {}
        for some in batches(keys):
            rows = await self._connection.execute(
                _METRICS.where(METRIC.c.run_id == run_id, METRIC.c.key.in_(some))
            )
            found.update((row.key, _metric_of(*row)) for row in rows)
        return found

    async def page(
        self, run_id: int, *, prefix: str, after: str | None, limit: int
    ) -> list[MetricRecord]:
        values = {"run_id": run_id, "after": after or "", "limit": limit}
        if prefix:
            rows = await self._connection.execute(_PAGE_OF_PREFIX, {**values, "prefix": prefix})
        else:
            rows = await self._connection.execute(_PAGE, values)
        return [_metric_of(*row) for row in rows]

    async def put(self, run_id: int, metrics: Sequence[MetricRecord]) -> None:
        new = [
            {
                "run_id": run_id,
                "key": metric.key,
                "last_step": metric.last_step,
                "last_value": _VALUE.pack(metric.last_value),
                "last_time_us": metric.last_time_us,
                "point_count": metric.point_count,
            }
            for metric in metrics
            if not metric.id
        ]
        known = [
            {
                "of_metric": metric.id,
                "step": metric.last_step,
                "value": _VALUE.pack(metric.last_value),
                "time_us": metric.last_time_us,
                "count": metric.point_count,
            }
            for metric in metrics
            if metric.id
        ]
        if new:
            await self._connection.execute(plain_insert(METRIC), new)
        if known:
            await self._connection.execute(_REPLACE, known)

    async def short_last_blocks(
        self, metric_ids: Collection[int], *, below_count: int
    ) -> dict[int, Points]:
        other = METRIC_BLOCK.alias()
        last = (
            select(func.max(other.c.first_step))
            .where(other.c.metric_id == _BLOCK.metric_id)
            .scalar_subquery()
        )
        found: dict[int, Points] = {}
        for ids in batches(metric_ids):
            rows = await self._connection.execute(
                _POINTS.where(
                    _BLOCK.metric_id.in_(ids),
                    _BLOCK.first_step == last,
                    _BLOCK.point_count < below_count,
                )
            )
            found.update((row[0], _points_of(*row[1:])) for row in rows)
        return found

    async def ranges(self, metric_id: int, *, first: int, last: int) -> list[BlockRange]:
        values = {"metric_id": metric_id, "first": first, "last": last}
        rows = await self._connection.execute(_RANGES, values)
        return [BlockRange(*row) for row in rows]

    async def points(self, metric_id: int, first_steps: Collection[int]) -> list[Points]:
        found: list[Points] = []
        for some in batches(first_steps):
            rows = await self._connection.execute(
                _POINTS.where(_BLOCK.metric_id == metric_id, _BLOCK.first_step.in_(some)).order_by(
                    _BLOCK.first_step
                )
            )
            found += [_points_of(*row[1:]) for row in rows]
        return found

    async def replace_blocks(
        self, removed: Collection[tuple[int, int]], added: Sequence[tuple[int, Points]]
    ) -> None:
        if removed:
            await self._connection.execute(
                _REMOVE, [{"of_metric": metric, "from_step": step} for metric, step in removed]
            )
        if added:
            sql = _add_sql(self._connection.dialect)
            await insert_rows(self._connection, sql, [_block(*each) for each in added])


def _block(metric_id: int, points: Points) -> tuple[int | bytes, ...]:
    columns = (to_bytes(points.steps), to_bytes(points.values), to_bytes(points.times_us))
    return (metric_id, points.steps[0], points.steps[-1], len(points), *columns)


def _points_of(steps: bytes, values: bytes, times_us: bytes) -> Points:
    return Points(integers(steps), numbers(values), integers(times_us))


def _metric_of(
    row_id: int, key: str, step: int, value: bytes, time_us: int, count: int
) -> MetricRecord:
    return MetricRecord(row_id, key, step, _VALUE.unpack(value)[0], time_us, count)
