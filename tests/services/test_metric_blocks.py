"""Points in blocks, whatever order they come in: sorted, disjoint, and none lost."""

from __future__ import annotations

import itertools
import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.metrics import MetricSeries, Points, points_of
from hydria_server.services import metrics
from hydria_server.services.metric_buckets import Buckets
from hydria_server.services.metric_history import HistoryRequest
from tests.run_teams import RunTeam
from tests.servers import memory_server

BATCHES = st.lists(
    st.lists(st.tuples(st.integers(0, 60), st.floats(allow_nan=False)), min_size=1, max_size=12),
    min_size=1,
    max_size=8,
)


@given(BATCHES)
def test_merging_keeps_the_last_value_of_each_step(
    batches: list[list[tuple[int, float]]],
) -> None:
    merged = Points(array("q"), array("d"), array("q"))
    expected: dict[int, float] = {}
    for batch in batches:
        steps, values = zip(*batch, strict=True)
        merged = merged.merged(points_of(steps, values, range(len(steps))))
        expected |= dict(batch)
    assert list(merged.steps) == sorted(expected)
    assert dict(zip(merged.steps, merged.values, strict=True)) == expected


@given(
    st.dictionaries(st.integers(0, 10**6), st.floats(), min_size=2, max_size=60),
    st.integers(1, 10),
    st.integers(1, 7),
)
def test_buckets_are_the_same_however_the_points_are_cut(
    values: dict[int, float], count: int, size: int
) -> None:
    points = points_of(sorted(values), [values[step] for step in sorted(values)], sorted(values))
    first, last = points.steps[0], points.steps[-1]
    whole, cut = Buckets(first, last, count), Buckets(first, last, count)
    whole.take(points)
    for part in points.parts(size):
        cut.take(part)
    assert repr(whole.history) == repr(cut.history)  # NaN equals nothing, its text itself
    assert sum(whole.history.point_counts) == len(values)
    assert len(whole.history.steps) <= count


async def test_blocks_stay_sorted_disjoint_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK_POINTS", 8)
    monkeypatch.setattr(metrics, "SHORT_BLOCK_POINTS", 4)
    monkeypatch.setattr(metrics, "_BLOCKS_HELD", 2)
    expected: dict[int, float] = {}
    async with memory_server() as server:
        team = RunTeam.new(server)
        ref = await team.run()
        for seed in range(60):
            steps = [(seed * 37 + place * (seed % 5 + 1)) % 211 for place in range(seed % 11 + 1)]
            values = [float(seed) + place for place, _ in enumerate(steps)]
            series = MetricSeries("a", points_of(steps, values, steps))
            await server.lineage.metrics.log(ref, 0, [series], actor="")
            expected |= dict(zip(steps, values, strict=True))
        assert await team.points(ref, "a") == expected
        run = await server.metadata.read(lambda rows: rows.runs.silent(before_us=1 << 60, limit=1))
        metric = (await server.metadata.read(lambda rows: rows.metrics.of_run(run[0].id, ["a"])))[
            "a"
        ]
        ranges = await server.metadata.read(
            lambda rows: rows.metrics.ranges(metric.id, first=0, last=1 << 40)
        )
        history = await server.lineage.histories.read(HistoryRequest(ref, "a", max_points=5))
    assert metric.point_count == len(expected) == sum(each.point_count for each in ranges)
    assert metric.last_step == max(expected)
    assert metric.last_value == expected[max(expected)]
    assert all(each.point_count <= 8 for each in ranges)
    assert all(before.last_step < after.first_step for before, after in itertools.pairwise(ranges))
    assert sum(history.point_counts) == len(expected)
    assert not any(map(math.isnan, history.min_values))
