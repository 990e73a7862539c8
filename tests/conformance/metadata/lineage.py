"""What must be true of runs and metrics."""

from __future__ import annotations

import math

import pytest

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.metrics import BlockRange, MetricRecord, points_of
from hydria_server.domain.runs import NewRun, RunChange, RunDocuments, RunName, RunRecord, RunState
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import Line, a_line, in_one_write


async def a_running(
    rows: Rows, line: Line, run_id: str = "one", *, request_id: str = "", now_us: int = 10
) -> RunRecord:
    """Return a new run of the line's project."""
    new = NewRun(
        entity_id=line.entity.id,
        project_id=line.project_id,
        run_id=run_id,
        number=await rows.runs.take_number(line.project_id),
        display_name=f"name of {run_id}",
        job_type="train",
        group="",
        tags=("a",),
        documents=RunDocuments(config_json='{"x": 1}', command_line=("python", "é.py")),
        request_id=request_id,
        request_hash=b"hash",
        created_at_us=now_us,
    )
    return await rows.runs.insert(new)


class RunRowsContract:
    @in_one_write
    async def test_a_run_is_found_by_name_by_id_and_by_request(self, rows: Rows) -> None:
        line = await a_line(rows)
        run = await a_running(rows, line, request_id="r1")

        assert (run.state, run.attempt, run.tags) == (RunState.RUNNING, 1, ("a",))
        assert await rows.runs.by_name(RunName("acme", "vision", "one")) == run
        assert await rows.runs.by_name(RunName("acme", "other", "one")) is None
        assert await rows.runs.by_ids([run.id, 99]) == {run.id: run}
        assert await rows.runs.by_request(line.entity.id, "r1") == (run, b"hash")
        assert await rows.runs.by_request(line.entity.id, "") is None
        assert await rows.runs.ids_by_name(line.project_id, ["one", "two"]) == {"one": run.id}
        documents = await rows.runs.documents(run.id)
        assert (documents.config_json, documents.command_line) == ('{"x": 1}', ("python", "é.py"))

    @in_one_write
    async def test_an_id_is_taken_once_in_a_project(self, rows: Rows) -> None:
        line = await a_line(rows)
        await a_running(rows, line)
        with pytest.raises(AlreadyExistsError):
            await a_running(rows, line)
        await a_running(rows, await a_line(rows, project="other"))

    @in_one_write
    async def test_numbers_count_the_runs_of_each_project(self, rows: Rows) -> None:
        first, second = await a_line(rows), await a_line(rows, project="other")
        assert [await rows.runs.take_number(first.project_id) for _ in range(3)] == [1, 2, 3]
        assert await rows.runs.take_number(second.project_id) == 1

    @in_one_write
    async def test_a_change_replaces_what_is_given_and_grows_the_revision(self, rows: Rows) -> None:
        run = await a_running(rows, await a_line(rows))
        change = RunChange(tags=("b",), summary_json="{}", command_line=("sh",))
        await rows.runs.update(run.id, change, now_us=20)
        await rows.runs.add_tags(run.id, ["b", "c"])

        changed = (await rows.runs.by_ids([run.id]))[run.id]
        assert (changed.tags, changed.revision, changed.updated_at_us) == (("b", "c"), 2, 20)
        assert changed.display_name == run.display_name
        documents = await rows.runs.documents(run.id)
        assert (documents.command_line, documents.config_json) == (("sh",), '{"x": 1}')

    @in_one_write
    async def test_silent_runs_are_those_that_run_and_were_not_heard_of(self, rows: Rows) -> None:
        line = await a_line(rows)
        silent = await a_running(rows, line, "silent", now_us=10)
        heard = await a_running(rows, line, "heard", now_us=10)
        ended = await a_running(rows, line, "ended", now_us=10)
        await rows.runs.beat(heard.id, now_us=30)
        await rows.runs.beat(heard.id, now_us=20)  # late on its way: it was heard of since
        await rows.runs.backdate(heard.id, created_at_us=5)
        await rows.runs.backdate(heard.id, created_at_us=7)
        await rows.runs.end(ended.id, RunState.FAILED, exit_code=3, finished_at_us=15, now_us=16)

        assert [run.id for run in await rows.runs.silent(before_us=30, limit=9)] == [silent.id]
        assert await rows.runs.silent(before_us=10, limit=9) == []
        after = await rows.runs.by_ids([heard.id, ended.id])
        assert after[heard.id].heartbeat_at_us == 30
        assert after[heard.id].created_at_us == 5
        assert (after[ended.id].exit_code, after[ended.id].finished_at_us) == (3, 15)

    @in_one_write
    async def test_the_next_attempt_begins_as_the_first_did(self, rows: Rows) -> None:
        run = await a_running(rows, await a_line(rows))
        await rows.runs.end(run.id, RunState.FAILED, exit_code=3, finished_at_us=15, now_us=15)
        await rows.runs.begin_attempt(run.id, now_us=20)

        again = (await rows.runs.by_ids([run.id]))[run.id]
        assert (again.state, again.attempt) == (RunState.RUNNING, 2)
        assert (again.exit_code, again.finished_at_us, again.heartbeat_at_us) == (None, None, 20)


class MetricRowsContract:
    @in_one_write
    async def test_last_values_are_kept_to_the_bit(self, rows: Rows) -> None:
        run = await a_running(rows, await a_line(rows))
        values = {"a": math.nan, "b": -0.0, "c": math.inf, "d": 5e-324}
        new = [MetricRecord(0, key, 7, value, 9, 1) for key, value in values.items()]
        await rows.metrics.put(run.id, new)

        found = await rows.metrics.of_run(run.id, ["a", "b", "c", "d", "e"])
        assert list(found) == ["a", "b", "c", "d"]
        assert math.isnan(found["a"].last_value)
        assert math.copysign(1, found["b"].last_value) == -1
        assert (found["c"].last_value, found["d"].last_value) == (math.inf, 5e-324)
        await rows.metrics.put(run.id, [MetricRecord(found["b"].id, "b", 8, 2.0, 10, 2)])
        page = await rows.metrics.page(run.id, prefix="", after="a", limit=2)
        assert [(metric.key, metric.last_step) for metric in page] == [("b", 8), ("c", 7)]
        assert await rows.metrics.page(run.id, prefix="x", after=None, limit=2) == []

    @in_one_write
    async def test_blocks_are_found_by_their_steps(self, rows: Rows) -> None:
        run = await a_running(rows, await a_line(rows))
        await rows.metrics.put(run.id, [MetricRecord(0, "a", -1, 0.0, 0, 0)])
        metric = (await rows.metrics.of_run(run.id, ["a"]))["a"].id
        low = points_of([0, 5], [1.0, 2.0], [10, 11])
        high = points_of([6, 9], [3.0, math.nan], [12, 13])
        await rows.metrics.replace_blocks([], [(metric, low), (metric, high)])

        ranges = await rows.metrics.ranges(metric, first=0, last=99)
        assert ranges == [BlockRange(0, 5, 2), BlockRange(6, 9, 2)]
        assert await rows.metrics.ranges(metric, first=5, last=5) == ranges[:1]
        assert await rows.metrics.ranges(metric, first=10, last=99) == []
        (found,) = await rows.metrics.points(metric, [6])
        assert (list(found.steps), list(found.times_us)) == ([6, 9], [12, 13])
        assert math.isnan(found.values[1])
        assert (await rows.metrics.short_last_blocks([metric], below_count=3)).keys() == {metric}
        assert await rows.metrics.short_last_blocks([metric], below_count=2) == {}
        await rows.metrics.replace_blocks([(metric, 6)], [])
        assert await rows.metrics.ranges(metric, first=0, last=99) == ranges[:1]


class LineageRowsContract(RunRowsContract, MetricRowsContract):
    """Runs and metrics."""
