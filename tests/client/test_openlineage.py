"""Lineage between systems: what we export is the standard, and comes in again as it was."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, cast

import pytest

import hydria
from hydria.client import AsyncClient
from hydria.errors import FieldViolationError, InvalidArgumentError
from hydria.lineage.records import EdgeKind, NewEdge, Resume, RunState
from hydria_server.services.openlineage.checking import event_of
from tests.openlineage_events import JsonObject, dataset, event, facet, new_run_id, texts
from tests.servers import memory_server, server_process


class Dataset(TypedDict):
    """What is looked at of an input or output."""

    namespace: str
    name: str
    facets: dict[str, dict[str, str]]


class Owner(TypedDict):
    """What is looked at of a run or a job."""

    runId: str
    namespace: str
    name: str
    facets: dict[str, dict[str, str]]


class Event(TypedDict):
    """What is looked at of an event."""

    eventType: str
    run: Owner
    job: Owner
    outputs: list[Dataset]


CONFIG = '{"lr": 1e-3, "seed": 9007199254740993, "layers": [1, {"a": null}]}'


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """Give a client of another, empty server."""
    async with (
        memory_server() as server,
        AsyncClient(
            server.address, entity="team", project="birds", cache_dir=tmp_path / "other"
        ) as opened,
    ):
        yield opened


@pytest.fixture
async def pipeline(client: AsyncClient) -> None:
    """Make raw -> load -> clean -> train -> net, a crash, and a run of another system."""
    await client.log("raw", [], type="dataset")
    load = await client.runs.begin(
        run_id="load",
        job_type="load",
        config=CONFIG,
        tags=["nightly", "gold"],
        group="sweep",
        git_commit="abc",
        git_remote="https://example.org/repo.git",
        command_line=["python", "load.py"],
        description="Loads.",
    )
    train = await client.runs.begin(run_id=new_run_id())
    for name in ("clean", "net"):
        await client.log(name, [], type=f"type-of-{name}")
    await client.runs.record(
        [
            NewEdge(kind=EdgeKind.USED, run="load", ref="raw"),
            NewEdge(kind=EdgeKind.LOGGED, run="load", ref="clean"),
            NewEdge(kind=EdgeKind.USED, run=train.ref, ref="clean"),
            NewEdge(kind=EdgeKind.LOGGED, run=train.ref, ref="net"),
        ]
    )
    await load.finish(exit_code=0, summary={"rows": 12})
    await train.finish(RunState.FAILED, exit_code=3)
    killed = await client.runs.begin(run_id="killed")
    await killed.use("clean")
    await killed.finish(RunState.KILLED)
    crashed = await client.runs.begin(run_id="crashed")
    await crashed.use("clean")
    await crashed.finish(RunState.CRASHED)
    going = await client.runs.begin(run_id="going", job_type="serve")
    await going.use("clean")
    await going.detach()
    ours: JsonObject = {
        "namespace": "hydria://team/birds",
        "name": "clean",
        "facets": {"version": facet(datasetVersion="v0")},
    }
    told = event(
        new_run_id(),
        inputs=[ours, dataset("s3/orders", "7"), dataset("s3/plain")],
        outputs=[dataset("s3/features")],
        facets={"spark": facet(version="4.1", rate=0.25)},
    )
    await client.lineage.ingest_openlineage(texts(told))


async def exported(client: AsyncClient) -> list[str]:
    graph = await client.lineage.walk("raw", "clean")
    assert graph.is_whole
    return await client.lineage.openlineage(graph).to_list()


def parsed(events: list[str]) -> list[Event]:
    return [cast("Event", json.loads(text)) for text in events]


async def test_an_export_has_a_start_and_an_end_of_every_run(
    client: AsyncClient, pipeline: None
) -> None:
    events = parsed(await exported(client))
    assert len(events) == 12
    assert sorted(each["eventType"] for each in events[1::2]) == [
        "ABORT", "COMPLETE", "COMPLETE", "FAIL", "FAIL", "RUNNING",
    ]  # fmt: skip
    assert {each["eventType"] for each in events[::2]} == {"START"}
    assert all("outputs" not in each for each in events[::2])
    load = next(each for each in events[1::2] if each["job"]["name"] == "load")
    assert load["job"]["namespace"] == "hydria://team/birds"
    assert load["run"]["facets"]["hydria_run"]["configJson"] == CONFIG
    (output,) = load["outputs"]
    assert (output["namespace"], output["name"]) == ("hydria://team/birds", "clean")
    assert output["facets"]["version"]["datasetVersion"] == "v0"


async def test_every_event_passes_the_schema_and_the_classes_of_the_standards_client(
    client: AsyncClient, pipeline: None
) -> None:
    from tests.openlineage_classes import rebuilt

    for text in await exported(client):
        assert event_of(text)[0] == "RunEvent"
        assert rebuilt(json.loads(text)) == json.loads(text)


async def shape(client: AsyncClient) -> dict[str, object]:
    """Return all that an export must carry: runs with their words, ends and edges."""
    found: dict[str, object] = {}
    for run in await client.runs.list().to_list():
        told = await client.runs.get(run.ref)
        edges = await client.runs.edges(run.ref).to_list()
        config = json.loads(told.config_json)
        for facet_ in config.get("openlineage", {}).get("run", {}).get("facets", {}).values():
            del facet_["_eventTime"]  # when we heard of it
        found[run.ref] = (
            (told.display_name, told.job_type, told.group, told.tags, told.state, told.exit_code),
            (told.git_commit, told.git_remote, told.command_line, told.description),
            (told.created_at, told.finished_at, told.summary_json, config),
            sorted((edge.edge.kind, edge.node.ref, edge.node.digest) for edge in edges),
        )
    return found


async def test_an_export_comes_in_elsewhere_as_it_was(
    client: AsyncClient, pipeline: None, elsewhere: AsyncClient
) -> None:
    for name in ("raw", "clean", "net"):
        await elsewhere.log(name, [], type="dataset")
    # Datasets elsewhere are numbered as they come, so they have to come in the same order.
    events = await exported(client)
    done = await elsewhere.lineage.ingest_openlineage(events)
    assert (done.event_count, len(done.run_refs)) == (12, 6)
    assert await shape(elsewhere) == await shape(client)
    (load,) = (run for run in done.run_refs if run.endswith("/load"))
    assert (await elsewhere.runs.get(load)).config_json == CONFIG
    assert sorted(await exported(elsewhere)) == sorted(
        text.replace('"type": "type-of-clean"', '"type": "dataset"').replace(
            '"type": "type-of-net"', '"type": "dataset"'
        )
        for text in events
    )


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(at, marks=pytest.mark.slow) for at in (1, 2, 3))]
)
async def test_the_order_of_an_export_does_not_matter(
    client: AsyncClient, pipeline: None, elsewhere: AsyncClient, seed: int
) -> None:
    events = await exported(client)
    for name in ("raw", "clean", "net"):
        await elsewhere.log(name, [], type="dataset")
    drawn = random.Random(seed)
    twice = events * 2
    drawn.shuffle(twice)
    while twice:
        count = drawn.randint(1, 5)
        await elsewhere.lineage.ingest_openlineage(twice[:count])
        del twice[:count]
    assert {ref: words[:3] for ref, words in (await _ended(elsewhere)).items()} == {
        ref: words[:3] for ref, words in (await _ended(client)).items()
    }


async def _ended(client: AsyncClient) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for run in await client.runs.list().to_list():
        edges = await client.runs.edges(run.ref).to_list()
        names = sorted((edge.edge.kind, edge.node.name.partition(":")[0]) for edge in edges)
        found[run.ref] = (run.state, run.created_at, names)
    return found


async def test_what_comes_in_where_it_was_exported_changes_nothing(
    client: AsyncClient, pipeline: None
) -> None:
    before = await shape(client)
    events = await exported(client)
    done = await client.lineage.ingest_openlineage(events)
    assert done.created_edge_count == 0
    assert await shape(client) == before

    train = next(run for run in await client.runs.list().to_list() if run.job_type == "load")
    await client.runs.update(train.ref, config={"lr": 2})
    resumed = await client.runs.begin(run_id="killed", resume=Resume.MUST)
    await client.lineage.ingest_openlineage(events)
    assert (await client.runs.get(train.ref)).config == {"lr": 2}
    assert (await client.runs.get("killed")).state is RunState.RUNNING
    await resumed.finish()


async def test_events_of_the_standards_client_come_in(client: AsyncClient, tmp_path: Path) -> None:
    from tests.openlineage_classes import emitted

    lines = emitted(tmp_path / "events.jsonl", job="etl.load").read_text().splitlines()
    assert [json.loads(line)["eventType"] for line in lines] == ["START", "COMPLETE", "FAIL"]
    done = await client.lineage.ingest_openlineage(lines)
    states = {(run.job_type, run.state) for run in await client.runs.list().to_list()}
    assert states == {("etl.load", RunState.FINISHED), ("etl.load-failing", RunState.FAILED)}
    assert done.created_edge_count == 2


async def test_many_events_go_in_batches_and_errors_count_all(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = texts(*(event(new_run_id()) for _ in range(101)))
    with pytest.raises(FieldViolationError) as raised:
        await client.lineage.ingest_openlineage([*many, "{}"])
    assert raised.value.details["index"] == "101"
    assert raised.value.message.startswith("events[101]: $: ")
    assert len(await client.runs.list().to_list()) == 100

    monkeypatch.setattr("hydria_server.services.openlineage.reading.MAX_DATASETS", 20)
    wide = texts(
        *(
            event(new_run_id(), job="wide", inputs=[dataset(str(each)) for each in range(9)])
            for _ in range(3)
        )
    )

    async def given() -> AsyncIterator[str]:
        for text in wide:
            yield text

    done = await client.lineage.ingest_openlineage(given(), project="wide")
    assert (len(done.run_refs), done.created_edge_count) == (3, 27)
    with pytest.raises(InvalidArgumentError, match=r"^events\[0\]: "):
        await client.lineage.ingest_openlineage([" " * (1 << 21)])


async def test_times_are_kept_to_the_microsecond(client: AsyncClient) -> None:
    run_id = new_run_id()
    for at, moment in (
        ("2026-03-04T05:06:07.1234567+02:00", datetime(2026, 3, 4, 3, 6, 7, 123456, UTC)),
        ("2026-03-04t00:00:00z", datetime(2026, 3, 4, tzinfo=UTC)),
    ):
        await client.lineage.ingest_openlineage(texts(event(run_id, "START", at=at)))
        assert (await client.runs.get(run_id)).created_at == moment


def test_all_of_it_without_await(tmp_path: Path) -> None:
    with (
        server_process(tmp_path / "data") as running,
        hydria.Client(running.address, entity="t", project="p", cache_dir=tmp_path) as client,
    ):
        run_id = new_run_id()
        client.lineage.ingest_openlineage(texts(event(run_id)))
        graph = client.lineage.walk(f"t/p/runs/{run_id}")
        start, end = client.lineage.openlineage(graph)
        assert json.loads(start)["run"]["runId"] == json.loads(end)["run"]["runId"] == run_id
