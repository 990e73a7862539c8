"""Runs for code without an event loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hydria
from tests.servers import ServerProcess, server_process

SILENCE_SECONDS = 1


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("server") / "data"
    with server_process(data, "--run-silence-seconds", str(SILENCE_SECONDS)) as running:
        yield running


@pytest.fixture
def client(process: ServerProcess, tmp_path: Path) -> Iterator[hydria.Client]:
    with hydria.Client(process.address, entity=tmp_path.name, project="birds") as opened:
        yield opened


def test_a_pipeline_is_remembered(client: hydria.Client, tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("raw")
    with client.runs.begin(job_type="load") as load:
        load.log("raw", tmp_path / "raw", type="dataset")
    with client.runs.begin(job_type="train", config={"n": 2**53 + 1}) as train:
        train.use("raw")
        train.log_metrics({"loss": 0.5})
        train.log_metrics({"loss": 0.25})
        train.log_series("lr", [0, 1], [1.0, 0.1])

    assert {run.run_id for run in client.runs.list()} == {load.info.run_id, train.info.run_id}
    assert client.runs.get(train.ref).config_json == '{"n": 9007199254740993}'
    assert client.runs.metrics(train.ref, "loss").last_values == (0.5, 0.25)
    assert [metric.key for metric in client.runs.last_metrics(train.ref)] == ["loss", "lr"]
    assert [each.node.ref for each in client.runs.edges("raw")] == [load.ref, train.ref]

    client.set_aliases("raw", ["gold"])
    client.deployments.report("raw", name="api", host="pod-1")
    graph = client.lineage.walk(train.ref, direction=hydria.Direction.UPSTREAM)
    assert [each.node.name for each in graph.nodes][1:] == ["raw:v0", load.display_name]
    groups = client.lineage.walk_groups("raw").groups
    assert [group.id for group in groups] == ["dataset", "run:load", "run:train"]
    steps = client.lineage.provenance(train.ref).steps
    assert [step.run and step.run.ref for step in steps] == [load.ref, train.ref]
    (raw,) = client.lineage.impact("raw").versions
    assert (raw.aliases, [each.host for each in raw.deployments]) == (("gold",), ["pod-1"])
    assert list(client.lineage.compare(load.ref, train.ref).config) == ["/n"]


def test_a_run_whose_process_is_killed_has_crashed_and_can_be_resumed(
    client: hydria.Client, process: ServerProcess, tmp_path: Path
) -> None:
    program = f"""
import hydria, os
client = hydria.Client({process.address!r}, entity={tmp_path.name!r}, project="birds")
run = client.runs.begin(run_id="one")
run.log_metrics({{"loss": 1.0}}, step=7)
run.flush()
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9

    state = hydria.RunState.RUNNING
    while state is hydria.RunState.RUNNING:  # pytest-timeout bounds it
        state = client.runs.get("one").state
    assert state is hydria.RunState.CRASHED
    with client.runs.begin(run_id="one", resume=hydria.Resume.ALLOW) as run:
        assert (run.resumed, run.info.attempt) == (True, 2)
        assert client.runs.metrics("one", "loss").steps == (7,)


def test_a_run_that_says_nothing_of_itself_is_kept_alive(client: hydria.Client) -> None:
    with client.runs.begin() as run:
        beats = {client.runs.get(run.ref).heartbeat_at}
        while len(beats) < 4:
            info = client.runs.get(run.ref)
            assert info.state is hydria.RunState.RUNNING
            beats.add(info.heartbeat_at)
