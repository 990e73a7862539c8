"""The lineage service through the wire: walks through the graph."""

from __future__ import annotations

import itertools

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.graph_walks import a_pipeline, found, is_cut, labelled_edges, walk
from tests.run_teams import DERIVED, DOWN, LOGGED, UP, USED, RunTeam, derived, logged, used

VERSION = pb.LINEAGE_NODE_KIND_VERSION


class WalksContract:
    """Walks as nodes and edges."""

    async def test_upstream_is_where_a_version_comes_from(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        page = await walk(runs, refs["model1"], way=UP)
        names = ("model1", "train1", "clean", "load", "raw", "collect")
        assert found(page) == {refs[name]: depth for depth, name in enumerate(names)}
        assert labelled_edges(page) == {
            (refs[source], refs[target]) for target, source in itertools.pairwise(names)
        }
        assert not is_cut(page)
        assert page.nodes[0].direction == pb.LINEAGE_DIRECTION_UNSPECIFIED
        assert {node.direction for node in page.nodes[1:]} == {UP}
        assert page.nodes[1].label == "train:" + (await runs.get(refs["train1"])).display_name

    async def test_downstream_is_what_was_made_of_it(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        depths = {"clean": 0, "train1": 1, "train2": 1, "model1": 2, "model2": 2, "eval": 3}
        page = await walk(runs, refs["clean"], way=DOWN)
        assert found(page) == {refs[name]: depth for name, depth in depths.items()}
        assert len(page.edges) == 6

    async def test_both_ways_do_not_turn_round(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        page = await walk(runs, refs["model1"])
        assert refs["train2"] not in found(page)
        ways = {node.ref: node.direction for node in page.nodes}
        assert (ways[refs["raw"]], ways[refs["eval"]]) == (UP, DOWN)
        assert [node.depth for node in page.nodes] == sorted(node.depth for node in page.nodes)

    async def test_a_walk_begins_at_several_nodes_by_refs_and_ids(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        node_id = (await walk(runs, refs["train1"])).nodes[0].id
        page = await walk(runs, refs["raw"], node_id, refs["train1"], way=DOWN, depth=1)
        assert found(page) == {
            refs[name]: int(name not in ("raw", "train1"))
            for name in ("raw", "train1", "load", "model1")
        }

    async def test_used_and_logged_in_a_circle_do_not_loop_and_both_ways_are_whole(
        self, runs: RunTeam
    ) -> None:
        first, second = await runs.run("first"), await runs.run("second")
        state = await runs.log(first, collection="state", content=b"1")
        await runs.use(first, state.ref)
        await runs.use(second, state.ref)
        other = await runs.log(second, collection="other", content=b"2")
        await runs.record(logged(second, state.ref))

        page = await walk(runs, state.ref, depth=100)
        assert found(page) == {state.ref: 0, first: 1, second: 1, other.ref: 2}
        assert len(page.edges) == 5
        assert not is_cut(page)

    async def test_a_walk_that_ends_at_its_depth_names_what_to_go_on_from(
        self, runs: RunTeam
    ) -> None:
        refs = await a_pipeline(runs)
        page = await walk(runs, refs["model1"], way=UP, depth=2)
        assert page.truncated_by_depth
        assert not page.truncated_by_budget
        (frontier,) = page.frontier
        assert frontier == page.nodes[-1].id
        rest = await walk(runs, frontier, way=UP)
        assert found(page) | found(rest) == {
            **{refs[name]: 0 for name in ("clean", "model1")},
            **{refs[name]: depth for depth, name in enumerate(("train1", "load", "raw"), 1)},
            refs["load"]: 1, refs["raw"]: 2, refs["collect"]: 3,
        }  # fmt: skip
        assert not (await walk(runs, refs["model1"], way=UP, depth=5)).truncated_by_depth

    async def test_a_walk_visits_no_more_nodes_than_its_budget(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        refs = [await runs.run(f"run{number}") for number in range(8)]
        await runs.record(*[used(ref, version.ref) for ref in refs])
        page = await walk(runs, version.ref, budget=4)
        assert len(page.nodes) == 4
        assert (page.truncated_by_budget, page.truncated_by_depth) == (True, False)
        assert list(page.frontier) == [page.nodes[0].id]
        assert not (await walk(runs, version.ref, budget=9)).truncated_by_budget

    async def test_a_walk_reads_no_more_edges_than_its_budget(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        refs = [await runs.run() for _ in range(12)]
        await runs.record(*[used(ref, version.ref) for ref in refs])
        page = await walk(runs, version.ref, budget=1)
        assert (len(page.nodes), page.truncated_by_budget) == (1, True)
        assert list(page.frontier) == [page.nodes[0].id]

    async def test_filters_of_edges_bound_the_walk(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await runs.record(derived(refs["model2"], refs["model1"]))
        page = await walk(runs, refs["model2"], way=UP, edges=pb.LineageEdgeFilter(kinds=[DERIVED]))
        assert found(page) == {refs["model2"]: 0, refs["model1"]: 1}
        (edge,) = page.edges
        now = Timestamp(seconds=edge.recorded_at.seconds, nanos=edge.recorded_at.nanos)
        for filter_, count in (
            (pb.LineageEdgeFilter(kinds=[DERIVED], recorded_after=now), 1),
            (pb.LineageEdgeFilter(kinds=[DERIVED], recorded_before=now), 0),
            (pb.LineageEdgeFilter(kinds=[DERIVED, USED, LOGGED], recorded_before=now), None),
        ):
            edges = (await walk(runs, refs["model2"], way=UP, edges=filter_)).edges
            assert count is None or len(edges) == count

    async def test_filters_of_nodes_do_not_bound_the_walk(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        refs = await a_pipeline(runs)
        foreign = await others.run(job_type="load")
        await others.use(foreign, refs["raw"])

        async def passing(nodes: pb.LineageNodeFilter) -> set[str]:
            page = await walk(runs, refs["raw"], nodes=nodes)
            assert all(edge.source_id and edge.target_id for edge in page.edges)
            assert labelled_edges(page) or not page.edges
            return set(found(page))

        models = {refs["model1"], refs["model2"]}
        page = await walk(runs, refs["raw"], nodes=pb.LineageNodeFilter(kinds=[VERSION]))
        assert set(found(page)) == models | {refs["raw"], refs["clean"]}
        assert not page.edges
        every_run = {ref for ref in refs.values() if "/runs/" in ref} | {foreign}
        only_models = pb.LineageNodeFilter(types=["model"])
        assert await passing(only_models) == every_run | models
        assert await passing(pb.LineageNodeFilter(types=["none"], job_types=["load"])) == {
            refs["load"],
            foreign,
        }
        assert await passing(pb.LineageNodeFilter(projects=[f"{others.name}/birds"])) == {foreign}

    async def test_what_was_deleted_is_walked_through(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await runs.log(refs["load"], collection="clean", content=b"newer")
        await runs.team.stub.DeleteVersion(artifact_pb2.DeleteVersionRequest(ref=refs["clean"]))
        page = await walk(runs, refs["model1"], way=UP)
        assert refs["raw"] in found(page)
        (tomb,) = [node for node in page.nodes if node.ref == refs["clean"]]
        assert tomb.HasField("deleted_at")
        assert refs["raw"] in found(await walk(runs, refs["clean"], way=UP))

    async def test_a_node_without_edges_is_found_alone(self, runs: RunTeam) -> None:
        ref = await runs.run()
        page = await walk(runs, ref)
        assert (found(page), len(page.edges)) == ({ref: 0}, 0)
