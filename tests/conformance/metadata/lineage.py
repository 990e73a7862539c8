"""What must be true of runs, metrics and edges."""

from __future__ import annotations

import itertools
import math

import pytest

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.lineage import Direction, EdgeKind, NewEdge, RunId, VersionId
from hydria_server.domain.metrics import BlockRange, MetricRecord, points_of
from hydria_server.domain.runs import NewRun, RunChange, RunDocuments, RunName, RunRecord, RunState
from hydria_server.domain.traversal import EdgeFilter
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write

ALL_KINDS = tuple(EdgeKind)
EVERY_EDGE = EdgeFilter()


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


def used(run: RunRecord, version_id: int) -> NewEdge:
    return NewEdge(EdgeKind.USED, version_id, 1, "then", run_id=run.id, requested_ref="asked")


def derived(version_id: int, from_version_id: int) -> NewEdge:
    return NewEdge(EdgeKind.DERIVED, version_id, 1, "then", from_version_id=from_version_id)


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


class EdgeRowsContract:
    @in_one_write
    async def test_an_edge_is_there_once(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        run = await a_running(rows, line)
        batch = [used(run, first.id), derived(second.id, first.id)]

        made = await rows.edges.insert([*batch, *batch])
        assert [(edge.kind, edge.version_id) for edge in made] == [
            (EdgeKind.USED, first.id),
            (EdgeKind.DERIVED, second.id),
        ]
        assert await rows.edges.insert(batch) == []
        logged = NewEdge(EdgeKind.LOGGED, first.id, 1, "", run_id=run.id)
        (more,) = await rows.edges.insert([logged])
        assert more.id > made[-1].id

    @in_one_write
    async def test_edges_are_listed_from_both_ends(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        run = await a_running(rows, line)
        logged = NewEdge(EdgeKind.LOGGED, second.id, 1, "", run_id=run.id)
        made = await rows.edges.insert([used(run, first.id), logged, derived(second.id, first.id)])

        async def ids(node: RunId | VersionId, way: Direction) -> list[int]:
            found = await rows.edges.of_node(node, way, ALL_KINDS, after_id=0, limit=9)
            return [edge.id for edge in found]

        use, log, derivation = (edge.id for edge in made)
        assert await ids(RunId(run.id), Direction.UPSTREAM) == [use]
        assert await ids(RunId(run.id), Direction.BOTH) == [use, log]
        assert await ids(VersionId(first.id), Direction.DOWNSTREAM) == [use, derivation]
        assert await ids(VersionId(first.id), Direction.UPSTREAM) == []
        assert await ids(VersionId(second.id), Direction.UPSTREAM) == [log, derivation]
        page = await rows.edges.of_node(
            VersionId(second.id), Direction.BOTH, ALL_KINDS, after_id=log, limit=1
        )
        assert [edge.id for edge in page] == [derivation]
        assert page[0].source == VersionId(first.id)

    @in_one_write
    async def test_edges_of_many_nodes_are_read_up_to_a_moment(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        runs = [await a_running(rows, line, name) for name in ("one", "two", "three")]
        assert await rows.edges.last_id() == 0
        made = await rows.edges.insert([used(run, first.id) for run in reversed(runs)])
        made += await rows.edges.insert([derived(second.id, first.id)])
        last_id = await rows.edges.last_id()
        assert last_id == made[-1].id
        late = NewEdge(EdgeKind.LOGGED, second.id, 9, "", run_id=runs[0].id)
        made += await rows.edges.insert([late])

        async def ids(
            *nodes: RunId | VersionId,
            way: Direction = Direction.DOWNSTREAM,
            edges: EdgeFilter = EVERY_EDGE,
            up_to_id: int = 99,
            limit: int = 99,
        ) -> list[int]:
            found = await rows.edges.of_nodes(nodes, way, edges, up_to_id=up_to_id, limit=limit)
            return [edge.id - made[0].id for edge in found]

        ends = (RunId(runs[0].id), VersionId(second.id), VersionId(first.id))
        assert await ids(*ends) == [4, 0, 1, 2, 3]
        assert await ids(*ends, up_to_id=last_id) == [0, 1, 2, 3]
        assert await ids(*ends, limit=3) == [4, 0, 1]
        assert await ids(*ends, way=Direction.UPSTREAM) == [2, 4, 3]
        assert await ids(*ends, edges=EdgeFilter(recorded_from_us=9)) == [4]
        assert await ids(*ends, edges=EdgeFilter(recorded_before_us=9)) == [0, 1, 2, 3]
        assert await ids(*ends, edges=EdgeFilter(frozenset([EdgeKind.DERIVED]))) == [3]
        assert await ids() == []

    @in_one_write
    async def test_derivations_are_followed_however_far(self, rows: Rows) -> None:
        line = await a_line(rows)
        chain = [(await a_version(rows, line.collection_id)).id for _ in range(5)]
        assert not await rows.edges.has_backward()
        await rows.edges.insert(
            [derived(after, before) for before, after in itertools.pairwise(chain)]
        )

        assert not await rows.edges.has_backward()
        assert await rows.edges.derives(chain[4], from_version_id=chain[0])
        assert await rows.edges.derives(chain[2], from_version_id=chain[2])
        assert not await rows.edges.derives(chain[0], from_version_id=chain[4])
        # The store itself keeps what a service let in, and even then a walk ends.
        await rows.edges.insert([derived(chain[0], chain[4])])
        assert await rows.edges.has_backward()
        assert await rows.edges.derives(chain[0], from_version_id=chain[2])
        assert not await rows.edges.derives(chain[0], from_version_id=999)

    @in_one_write
    async def test_nodes_outlive_what_they_stand_for(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        names = ("acme", "vision", "cats", version.number)
        assert (
            await rows.edges.live_versions(line.project_id, [("cats", 0), ("cats", 9)])
        ).keys() == {("cats", 0)}
        await rows.versions.mark_deleted([version.id], now_us=50)
        await rows.names.delete_collection(line.collection_id, now_us=50)

        node = (await rows.edges.version_nodes([version.id, 99]))[version.id]
        assert (node.ref, node.digest, node.deleted_at_us) == (version.ref, version.digest, 50)
        assert await rows.edges.remembered_version(*names) == node
        assert await rows.edges.live_versions(line.project_id, [("cats", 0)]) == {}
        newer = await a_version(rows, (await a_line(rows)).collection_id)
        remembered = await rows.edges.remembered_version(*names)
        assert remembered is not None
        assert remembered.id == newer.id


class LineageRowsContract(RunRowsContract, MetricRowsContract, EdgeRowsContract):
    """Runs, metrics and edges."""
