"""Runs, metrics and edges when something fails: a commit, a stream, the whole server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import hydria
from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.openlineage_events import dataset, event, new_run_id, texts
from tests.refusals import refused
from tests.run_teams import DOWN, RunTeam, metric_batch
from tests.servers import memory_server, server_process


class Failing:
    """A step that fails as long as it is told to."""

    def __init__(self, step: str) -> None:
        self.is_on = False
        self._step = step

    def __call__(self, name: str) -> None:
        if self.is_on and name == self._step:
            raise StorageUnavailableError("told to fail")


@pytest.mark.parametrize("step", ["metadata.before_commit@SmallVersions._attempt"])
async def test_a_version_and_the_edge_of_its_run_appear_together_or_not_at_all(step: str) -> None:
    failing = Failing(step)
    metadata = await SqlMetadataStore.open_in_memory(failpoint=failing)
    async with memory_server(metadata=metadata) as server:
        runs = RunTeam.new(server)
        ref = await runs.run()
        failing.is_on = True
        with refused("STORAGE_UNAVAILABLE"):
            await runs.log(ref, content=b"1")
        failing.is_on = False
        assert not await runs.team.exists()
        assert await runs.others(ref) == []

        version = await runs.log(ref, content=b"1")
        assert await runs.others(ref, DOWN) == [version.ref]


async def test_a_batch_of_metrics_is_stored_whole_or_not_at_all() -> None:
    failing = Failing("metadata.before_commit@Metrics.log")
    metadata = await SqlMetadataStore.open_in_memory(failpoint=failing)
    async with memory_server(metadata=metadata) as server:
        runs = RunTeam.new(server)
        ref = await runs.run()
        await runs.put(ref, {"a": {0: 1.0}})
        failing.is_on = True
        with refused("STORAGE_UNAVAILABLE"):
            await runs.put(ref, {"a": {0: 2.0, 1: 2.0}, "b": {0: 2.0}})
        failing.is_on = False
        assert await runs.points(ref, "a") == {0: 1.0}
        with refused("RESOURCE_NOT_FOUND"):
            await runs.history(ref, "b")


async def test_what_came_on_a_stream_before_it_was_cut_stays() -> None:
    async with memory_server() as server:
        runs = RunTeam.new(server)
        ref = await runs.run()
        sent = asyncio.Event()

        async def messages() -> AsyncIterator[pb.LogMetricsRequest]:
            yield pb.LogMetricsRequest(header=pb.LogMetricsHeader(run_ref=ref))
            yield pb.LogMetricsRequest(batch=metric_batch({"loss": {0: 1.0}}))
            sent.set()
            await asyncio.Event().wait()

        call = runs.stub.LogMetrics(messages())
        await sent.wait()
        is_stored = False
        while not is_stored:  # within a second, while the client waits
            request = pb.ListLastMetricsRequest(run_ref=ref)
            is_stored = bool((await runs.stub.ListLastMetrics(request)).metrics)
        call.cancel()
        assert await runs.points(ref) == {0: 1.0}


def test_what_was_acknowledged_outlives_a_killed_server(tmp_path: Path) -> None:
    data, cache = tmp_path / "data", tmp_path / "cache"
    (tmp_path / "raw").write_text("raw")
    with server_process(data) as server:
        client = hydria.Client(server.address, project="birds", cache_dir=cache)
        run = client.runs.begin(run_id="one", config={"x": 1})
        run.log("raw", tmp_path / "raw", type="dataset")
        run.log_metrics({"loss": 1.0})
        run.flush()
        server.kill()
        client.close()
    with (
        server_process(data) as server,
        hydria.Client(server.address, project="birds", cache_dir=cache) as client,
    ):
        found = client.runs.get("one")
        assert (found.state, found.config) == (hydria.RunState.RUNNING, {"x": 1})
        assert client.runs.metrics("one", "loss").last_values == (1.0,)
        assert [each.node.name for each in client.runs.edges(found.ref)] == ["raw:v0"]
        with client.runs.begin(run_id="one", resume=hydria.Resume.MUST) as again:
            assert again.info.attempt == 2


async def test_a_batch_of_events_is_kept_whole_or_not_at_all() -> None:
    failing = Failing("metadata.before_commit@OpenLineageIngest._attempt")
    metadata = await SqlMetadataStore.open_in_memory(failpoint=failing)
    async with memory_server(metadata=metadata) as server:
        runs = RunTeam.new(server)
        run_id = new_run_id()
        told = texts(event(run_id, inputs=[dataset("a")], outputs=[dataset("b")]))
        request = pb.IngestOpenLineageRequest(entity=runs.name, project="birds", events=told)
        await runs.begin(project="others")
        failing.is_on = True
        with refused("STORAGE_UNAVAILABLE"):
            await runs.stub.IngestOpenLineage(request)
        failing.is_on = False
        with refused("RESOURCE_NOT_FOUND"):
            await runs.ids()

        await runs.stub.IngestOpenLineage(request)
        assert len(await runs.others(f"{runs.name}/birds/runs/{run_id}")) == 2
