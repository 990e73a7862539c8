"""The graph through the client: walks, and what they are drawn as."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

import pytest

from hydria.client import AsyncClient
from hydria.errors import InvalidArgumentError, NotFoundError, RefInvalidError
from hydria.lineage.drawing import to_dot, to_mermaid
from hydria.lineage.graphs import LineageGraph, WalkLimits
from hydria.lineage.impact import ImpactedLink
from hydria.lineage.records import Direction, EdgeKind, NewEdge, NodeKind, RunState
from hydria.lineage.run import Run


@dataclass(frozen=True, slots=True)
class Pipeline:
    """raw -> load -> clean -> train -> net, and a failed run that used clean."""

    load: Run
    train: Run
    failed: Run


@pytest.fixture
async def pipeline(client: AsyncClient) -> Pipeline:
    await client.runs.begin()  # so that the project is there
    load = await client.runs.begin(run_id="load", job_type="load", display_name='a "load"')
    train = await client.runs.begin(run_id="train", job_type="train", display_name="train")
    failed = await client.runs.begin(run_id="failed", display_name="failed")
    for name, type_ in (("raw", "dataset"), ("clean", "dataset"), ("net", "model")):
        await client.log(name, [], type=type_)
    await client.runs.record(
        [
            NewEdge(kind=EdgeKind.USED, run="load", ref="raw"),
            NewEdge(kind=EdgeKind.LOGGED, run="load", ref="clean"),
            NewEdge(kind=EdgeKind.USED, run="train", ref="clean"),
            NewEdge(kind=EdgeKind.USED, run="failed", ref="clean"),
            NewEdge(kind=EdgeKind.LOGGED, run="train", ref="net"),
        ]
    )
    await failed.finish(RunState.FAILED)
    return Pipeline(load, train, failed)


def names(graph: LineageGraph) -> list[str]:
    return [each.node.name for each in graph.nodes]


async def test_a_walk_returns_nodes_by_depth_and_the_edges_between_them(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    graph = await client.lineage.walk("net", direction=Direction.UPSTREAM)
    assert names(graph) == ["net:v0", "train", "clean:v0", 'a "load"', "raw:v0"]
    assert [each.depth for each in graph.nodes] == [0, 1, 2, 3, 4]
    assert [each.direction for each in graph.nodes] == [None] + [Direction.UPSTREAM] * 4
    ids = [each.node.id for each in graph.nodes]
    assert {(edge.target_id, edge.source_id) for edge in graph.edges} == set(
        itertools.pairwise(ids)
    )
    assert graph.is_whole
    assert graph.frontier == ()


async def test_limits_cut_a_walk_and_filter_what_it_returns(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    near = await client.lineage.walk("net", limits=WalkLimits(max_depth=1))
    assert (names(near), near.truncated_by_depth, near.is_whole) == (
        ["net:v0", "train"],
        True,
        False,
    )
    rest = await client.lineage.walk(*near.frontier, direction=Direction.UPSTREAM)
    assert names(rest)[-1] == "raw:v0"
    few = await client.lineage.walk("raw", limits=WalkLimits(max_nodes=2))
    assert (len(few.nodes), few.truncated_by_budget) == (2, True)

    for limits, expected in (
        (WalkLimits(types=["model"], node_kinds=[NodeKind.VERSION]), ["net:v0"]),
        (WalkLimits(job_types=["load"], node_kinds=[NodeKind.RUN]), ['a "load"']),
        (WalkLimits(projects=["other"]), []),
        (WalkLimits(edge_kinds=[EdgeKind.LOGGED]), ["raw:v0"]),
    ):
        assert names(await client.lineage.walk("raw", limits=limits)) == expected
    before = WalkLimits(recorded_before=pipeline.load.info.created_at)
    assert names(await client.lineage.walk("raw", limits=before)) == ["raw:v0"]
    after = WalkLimits(recorded_after=pipeline.load.info.created_at)
    assert len((await client.lineage.walk("raw", limits=after)).nodes) == 6


async def test_walks_of_more_than_a_page_are_put_together(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.log("raw", [], type="dataset")
    runs = [(await client.runs.begin(run_id=f"run{number}")).ref for number in range(12)]
    edges = [NewEdge(kind=EdgeKind.USED, run=run, ref="raw") for run in runs]
    await client.runs.record(edges)
    monkeypatch.setattr("hydria.lineage.graph.PAGE_SIZE", 5)
    graph = await client.lineage.walk("raw")
    assert len(graph.nodes) == 13
    assert len({edge.target_id for edge in graph.edges}) == 12


async def test_a_grouped_walk_counts_by_types(client: AsyncClient, pipeline: Pipeline) -> None:
    graph = await client.lineage.walk_groups("clean")
    counts = {group.id: (group.kind, group.node_count) for group in graph.groups}
    assert counts == {
        "dataset": (NodeKind.VERSION, 2),
        "model": (NodeKind.VERSION, 1),
        "run:": (NodeKind.RUN, 1),
        "run:load": (NodeKind.RUN, 1),
        "run:train": (NodeKind.RUN, 1),
    }
    edge = next(edge for edge in graph.edges if edge.target_id == "model")
    assert (edge.kind, edge.source_id, edge.edge_count) == (EdgeKind.LOGGED, "run:train", 1)


async def test_what_cannot_be_walked_is_an_error(client: AsyncClient, pipeline: Pipeline) -> None:
    with pytest.raises(InvalidArgumentError):
        await client.lineage.walk()
    with pytest.raises(NotFoundError):
        await client.lineage.walk("none")
    with pytest.raises(RefInvalidError):
        await client.lineage.walk("a/b/c/d/e")
    with pytest.raises(InvalidArgumentError, match="max_depth"):
        await client.lineage.walk("raw", limits=WalkLimits(max_depth=-1))
    with pytest.raises(InvalidArgumentError, match="max_nodes"):
        await client.lineage.walk("raw", limits=WalkLimits(max_nodes=10_001))
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - that is what is wrong with it
    with pytest.raises(InvalidArgumentError, match="time zone"):
        await client.lineage.walk("raw", limits=WalkLimits(recorded_after=naive))


async def test_dot_has_a_box_for_each_node_and_no_name_breaks_out_of_it(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    graph = await client.lineage.walk("clean")
    lines = to_dot(graph).splitlines()
    assert (lines[0], lines[-1]) == ("digraph lineage {", "}")
    assert sum(" -> " in line for line in lines) == len(graph.edges) == 5
    (load,) = [line for line in lines if "load" in line]
    assert r'label="load:a \"load\""' in load
    (failed,) = [line for line in lines if "run:failed" in line]
    assert "dashed" in failed
    assert sum("penwidth" in line for line in lines) == 1


async def test_mermaid_has_a_box_for_each_node_and_no_name_is_markup(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    text = to_mermaid(await client.lineage.walk("clean"))
    assert text.startswith("flowchart LR\n")
    assert '(["load:a #34;load#34;"])' in text
    assert text.count(" --> ") == 5
    grouped = to_mermaid(await client.lineage.walk_groups("clean"))
    assert '["dataset (2)"]' in grouped
    assert '-->|"1"|' in grouped


async def test_provenance_has_sources_and_steps_in_order(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    found = await client.lineage.provenance("net")
    assert [node.name for node in found.sources] == ["raw:v0"]
    assert [step.run and step.run.run_id for step in found.steps] == ["load", "train"]
    assert [node.name for node in found.steps[1].inputs] == ["clean:v0"]
    assert [node.name for node in found.steps[1].outputs] == ["net:v0"]
    assert found.steps[0].run == await client.runs.get("load")
    assert not found.is_truncated
    assert (await client.lineage.provenance("net", max_nodes=2)).is_truncated
    with pytest.raises(NotFoundError):
        await client.lineage.provenance("none")


async def test_a_step_that_came_in_parts_is_one(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hydria_server.services.provenance_steps.MAX_NODES_PER_PART", 20)
    await client.runs.begin(run_id="big")
    for number in range(21):
        metadata = {"number": number}
        await client.log(f"raw{number}", [], type="dataset", metadata=metadata)
    edges = [NewEdge(kind=EdgeKind.USED, run="big", ref=f"raw{number}") for number in range(21)]
    await client.runs.record(edges)
    run = await client.runs.get("big")
    found = await client.lineage.provenance(run.ref)
    (step,) = found.steps
    assert (step.run, len(step.inputs), len(found.sources)) == (run, 21, 21)


async def test_impact_is_what_has_an_alias_downstream(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    await client.set_aliases("net:v0", ["production"])
    found = await client.lineage.impact("raw")
    (model,) = found.versions
    assert (model.version.name, model.aliases, model.depth) == ("net:v0", ("production",), 4)
    assert len(model.path_ids) == 5
    assert model.path_ids[0] == found.node.id
    assert (found.visited_count, found.is_truncated) == (6, False)
    assert (await client.lineage.impact("raw", max_nodes=2)).is_truncated


async def test_impact_has_links_and_who_serves_them(
    client: AsyncClient, pipeline: Pipeline
) -> None:
    linked = await client.registry.link("net", "model-registry/Net", aliases=["production"])
    reported = await client.deployments.report(linked.version.ref, name="api", host="pod-1")
    (model,) = (await client.lineage.impact("raw")).versions
    assert model.links == (ImpactedLink(ref=linked.version.ref, aliases=("production",)),)
    assert (model.aliases, model.deployments, model.is_truncated) == ((), (reported,), False)


async def test_runs_are_compared_in_one_call(client: AsyncClient, pipeline: Pipeline) -> None:
    await client.runs.update("load", config={"lr": 1})
    found = await client.lineage.compare("load", "train")
    assert [run.run_id for run in found.runs] == ["load", "train"]
    assert found.config == {"/lr": ["1", None]}
    assert sorted(map(list, found.inputs.values())) == [[False, True], [True, False]]
    assert not found.is_truncated
    with pytest.raises(InvalidArgumentError):
        await client.lineage.compare("load")
