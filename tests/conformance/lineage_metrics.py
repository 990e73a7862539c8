"""The lineage service through the wire: metrics, logged and read again."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from hydria.v1 import lineage_pb2 as pb
from tests.refusals import outcome_of, refused
from tests.run_teams import RunTeam, metric_batch

INT64_MAX = (1 << 63) - 1


class LoggingMetricsContract:
    """Points, by key and step."""

    async def test_points_are_read_as_they_were_logged(self, runs: RunTeam) -> None:
        ref = await runs.run()
        values = {0: 0.1, 1: -0.0, 5: 1e308, 7: math.inf, 8: -math.inf, INT64_MAX: 5e-324}
        logged = await runs.put(ref, {"train/loss": values, "acc": {3: 1.0}})

        assert (logged.point_count, logged.back_step_count) == (7, 0)
        points = await runs.points(ref, "train/loss")
        assert points == values
        assert math.copysign(1, points[1]) == -1
        assert await runs.points(ref, "acc") == {3: 1.0}

    async def test_nan_is_a_value(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {"loss": {0: 1.0, 1: math.nan}})

        history = await runs.history(ref)
        assert list(history.steps) == [0, 1]
        assert math.isnan(history.last_values[1])
        (last,) = (await last_metrics(runs, ref)).metrics
        assert math.isnan(last.value)

    async def test_a_point_replaces_that_of_the_same_key_and_step(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {"loss": dict.fromkeys(range(10), 1.0)})
        logged = await runs.put(ref, {"loss": dict.fromkeys(range(5, 12), 2.0)})

        assert (logged.point_count, logged.back_step_count) == (7, 5)
        expected = {step: 1.0 if step < 5 else 2.0 for step in range(12)}
        assert await runs.points(ref) == expected
        (last,) = (await last_metrics(runs, ref)).metrics
        assert (last.step, last.value, last.point_count) == (11, 2.0, 12)

    async def test_steps_may_come_in_any_order(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {"loss": {30: 3.0, 10: 1.0, 20: 2.0}})
        await runs.put(ref, {"loss": {40: 4.0}})
        await runs.put(ref, {"loss": {5: 0.5, 15: 1.5, 50: 5.0}})

        points = await runs.points(ref)
        assert list(points) == [5, 10, 15, 20, 30, 40, 50]
        assert all(value == step / 10 for step, value in points.items())
        (last,) = (await last_metrics(runs, ref)).metrics
        assert (last.step, last.value, last.point_count) == (50, 5.0, 7)

    async def test_of_two_points_at_one_step_in_a_batch_the_later_one_stays(
        self, runs: RunTeam
    ) -> None:
        ref = await runs.run()
        series = pb.MetricSeries(key="loss", steps=[1, 1], values=[1.0, 2.0])
        request = pb.PutMetricsRequest(run_ref=ref, batch=pb.MetricBatch(series=[series]))
        await runs.stub.PutMetrics(request)
        assert await runs.points(ref) == {1: 2.0}

    async def test_a_stream_stores_all_of_its_batches(self, runs: RunTeam) -> None:
        ref = await runs.run()
        batches = [
            metric_batch({key: {step: float(step)} for key in ("a", "b")}) for step in range(2000)
        ]
        logged = await runs.stream(ref, *batches)

        assert (logged.point_count, logged.back_step_count) == (4000, 0)
        for key in ("a", "b"):
            assert await runs.points(ref, key) == {step: float(step) for step in range(2000)}

    async def test_what_a_stream_brought_before_an_error_stays(self, runs: RunTeam) -> None:
        ref = await runs.run()
        malformed = metric_batch({"loss": {-1: 1.0}})
        with refused("FIELD_VIOLATION"):
            await runs.stream(ref, metric_batch({"loss": {0: 1.0}}), malformed)
        assert await runs.points(ref) == {0: 1.0}

    async def test_a_stream_begins_with_its_header(self, runs: RunTeam) -> None:
        with refused("FIELD_VIOLATION"):
            await runs.stub.LogMetrics(iter([pb.LogMetricsRequest()]))
        with refused("RESOURCE_NOT_FOUND"):
            await runs.stream(f"{runs.name}/birds/runs/none")

    @pytest.mark.parametrize(
        ("key", "steps", "values", "times_us"),
        [
            ("", [0], [1.0], []),
            ("a\nb", [0], [1.0], []),
            ("x" * 257, [0], [1.0], []),
            ("a", [-1], [1.0], []),
            ("a", [0, 1], [1.0], []),
            ("a", [0], [1.0], [1, 2]),
        ],
        ids=["no key", "control", "long key", "negative step", "lost value", "more times"],
    )
    async def test_malformed_series_are_refused(
        self, runs: RunTeam, key: str, steps: list[int], values: list[float], times_us: list[int]
    ) -> None:
        ref = await runs.run()
        series = pb.MetricSeries(key=key, steps=steps, values=values, times_us=times_us)
        good = pb.MetricSeries(key="good", steps=[0], values=[1.0])
        request = pb.PutMetricsRequest(run_ref=ref, batch=pb.MetricBatch(series=[good, series]))
        with refused("FIELD_VIOLATION"):
            await runs.stub.PutMetrics(request)
        with refused("RESOURCE_NOT_FOUND"):
            await runs.history(ref, "good")

    async def test_a_batch_has_its_bounds(self, runs: RunTeam) -> None:
        ref = await runs.run()
        with refused("BATCH_TOO_LARGE") as refusal:
            await runs.put(ref, {"loss": dict.fromkeys(range(50_001), 1.0)})
        assert refusal.metadata["limit"] == "50000"
        twice = metric_batch({"a": {0: 1.0}})
        twice.series.extend(list(twice.series))
        request = pb.PutMetricsRequest(run_ref=ref, batch=twice)
        assert await outcome_of(runs.stub.PutMetrics(request)) == "FIELD_VIOLATION"


class ReadingMetricsContract:
    """Histories and last values."""

    async def test_a_long_history_is_sampled_into_buckets_of_steps(self, runs: RunTeam) -> None:
        ref = await runs.run()
        values = {step: float((step * 7919) % 1000) for step in range(0, 20_000, 2)}
        await runs.put(ref, {"loss": values})

        history = await runs.history(ref, max_points=50)

        assert history.sampled
        assert len(history.steps) == 50
        buckets = by_bucket(values, first=0, last=19_998, count=50)
        for place, points in enumerate(buckets):
            assert history.steps[place] == max(points)
            assert history.last_values[place] == points[max(points)]
            assert history.min_values[place] == min(points.values())
            assert history.max_values[place] == max(points.values())
            assert history.point_counts[place] == len(points)
        assert sum(history.nan_counts) == 0

    async def test_a_bucket_tells_how_much_of_it_is_nan(self, runs: RunTeam) -> None:
        ref = await runs.run()
        nan = math.nan
        values = {0: nan, 1: 2.0, 2: 1.0, 3: nan, 4: nan, 5: nan, 6: math.inf, 7: -math.inf}
        await runs.put(ref, {"loss": values})

        history = await runs.history(ref, max_points=2)

        assert list(history.steps) == [3, 7]
        assert list(history.min_values) == [1.0, -math.inf]
        assert list(history.max_values) == [2.0, math.inf]
        assert list(history.nan_counts) == [2, 2]
        third = await runs.history(ref, max_points=4)
        assert math.isnan(third.min_values[2])
        assert third.nan_counts[2] == 2

    async def test_a_short_history_comes_point_by_point(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {"loss": {1: 1.0, 100: 2.0}})
        history = await runs.history(ref)
        assert (list(history.steps), list(history.last_values)) == ([1, 100], [1.0, 2.0])
        assert not history.sampled
        assert not history.min_values
        assert len(history.times_us) == 2

    async def test_a_part_of_a_history_is_read_by_its_steps(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {"loss": {step: float(step) for step in range(30_000)}})
        request = pb.ListMetricsRequest(
            run_ref=ref, key="loss", min_step=9_990, max_step=10_009, max_points=20
        )
        history = await runs.stub.ListMetrics(request)
        assert list(history.steps) == list(range(9_990, 10_010))
        request.max_points = 4
        sampled = await runs.stub.ListMetrics(request)
        assert list(sampled.steps) == [9_994, 9_999, 10_004, 10_009]
        assert list(sampled.min_values) == [9_990.0, 9_995.0, 10_000.0, 10_005.0]
        request.min_step, request.max_step = 40_000, 50_000
        assert not (await runs.stub.ListMetrics(request)).steps

    async def test_every_point_can_be_read_by_asking_on(self, runs: RunTeam) -> None:
        ref = await runs.run()
        values = {step * 3: float(step) for step in range(2_500)}
        await runs.put(ref, {"loss": values})
        request = pb.ListMetricsRequest(run_ref=ref, key="loss", max_points=1_000, every_point=True)
        seen: dict[int, float] = {}
        while True:
            page = await runs.stub.ListMetrics(request)
            seen.update(zip(page.steps, page.last_values, strict=True))
            if not page.has_more:
                break
            request.min_step = page.steps[-1] + 1
        assert seen == values

    async def test_a_key_that_was_never_logged_is_not_found(self, runs: RunTeam) -> None:
        ref = await runs.run()
        with refused("RESOURCE_NOT_FOUND"):
            await runs.history(ref, "loss")
        await runs.put(ref, {"loss": {0: 1.0}})
        with refused("FIELD_VIOLATION"):
            await runs.history(ref, max_points=10_001)

    async def test_last_values_are_listed_by_key(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.put(ref, {key: {3: 1.5} for key in ("train/b", "val/a", "train/a")})

        page = await last_metrics(runs, ref, page_size=2)
        assert [metric.key for metric in page.metrics] == ["train/a", "train/b"]
        rest = await last_metrics(runs, ref, page_size=2, page_token=page.next_page_token)
        assert [metric.key for metric in rest.metrics] == ["val/a"]
        assert not rest.next_page_token
        train = await last_metrics(runs, ref, prefix="train/")
        assert [metric.key for metric in train.metrics] == ["train/a", "train/b"]
        assert (train.metrics[0].step, train.metrics[0].value) == (3, 1.5)


def by_bucket(
    values: Mapping[int, float], *, first: int, last: int, count: int
) -> list[dict[int, float]]:
    """Return the points of each range of steps, by the words of the contract."""
    buckets: list[dict[int, float]] = [{} for _ in range(count)]
    for step, value in values.items():
        buckets[(step - first) * count // (last - first + 1)][step] = value
    return [bucket for bucket in buckets if bucket]


async def last_metrics(
    runs: RunTeam, ref: str, *, prefix: str = "", page_size: int = 0, page_token: str = ""
) -> pb.ListLastMetricsResponse:
    """Return the last values of a run."""
    return await runs.stub.ListLastMetrics(
        pb.ListLastMetricsRequest(
            run_ref=ref, prefix=prefix, page_size=page_size, page_token=page_token
        )
    )
