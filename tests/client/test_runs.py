"""Runs through the client: what is logged through them is remembered with them."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import (
    AlreadyExistsError,
    ClientClosedError,
    InvalidArgumentError,
    NotFoundError,
    RefInvalidError,
    TypeMismatchError,
)
from hydria.lineage.errors import LineageCycleError, RunNotRunningError, RunTakenOverError
from hydria.lineage.records import Direction, EdgeKind, NewEdge, Resume, RunState
from hydria.lineage.run import Run
from tests.client.lines import Line


async def test_a_run_remembers_its_inputs_outputs_and_metrics(
    client: AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "raw.csv").write_text("1,2\n")
    (tmp_path / "model.bin").write_bytes(b"weights")
    raw = (await client.log("raw", tmp_path / "raw.csv", type="dataset")).version

    async with await client.runs.begin(
        job_type="train", config={"lr": 0.1, "layers": [1, 2]}, tags=["a"]
    ) as run:
        used = await run.use("raw:latest", type="dataset")
        for step in range(10):
            await run.log_metrics({"loss": 1 / (step + 1), "acc": step / 10})
        made = await run.log("net", tmp_path / "model.bin", type="model")

    assert used == raw
    info = await client.runs.get(run.ref)
    assert info == run.info
    assert info.state is RunState.FINISHED
    assert info.config == {"lr": 0.1, "layers": [1, 2]}
    history = await client.runs.metrics(run.ref, "loss")
    assert history.steps == tuple(range(10))
    assert history.last_values == tuple(1 / (step + 1) for step in range(10))
    last = {metric.key: metric.value async for metric in client.runs.last_metrics(run.ref)}
    assert last == {"acc": 0.9, "loss": 0.1}
    upstream = await client.runs.edges(run.ref, Direction.UPSTREAM).to_list()
    assert [(each.edge.kind, each.node.ref) for each in upstream] == [(EdgeKind.USED, raw.ref)]
    (logged,) = await client.runs.edges("net", Direction.UPSTREAM).to_list()
    assert (logged.node.ref, logged.edge.recorded_ref) == (run.ref, made.version.ref)
    assert [each.node.label async for each in client.runs.edges("net")] == [
        f"train:{run.display_name}"
    ]


async def test_equal_content_is_logged_by_a_run_without_an_upload(
    client: AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"same")
    for _ in range(2):  # the second one finds it by its digest
        async with await client.runs.begin() as run:
            result = await run.log("data", tmp_path / "file", type="dataset")
    assert not result.created
    assert len(await client.runs.edges("data:v0", kinds=[EdgeKind.LOGGED]).to_list()) == 2


async def test_a_block_that_raises_ends_its_run_as_failed(client: AsyncClient) -> None:
    run = await client.runs.begin()

    async def work() -> None:
        async with run:
            await run.log_metrics({"loss": 1.0})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    info = await client.runs.get(run.ref)
    assert info.state is RunState.FAILED
    assert (await client.runs.metrics(run.ref, "loss")).last_values == (1.0,)


async def test_a_block_that_is_cancelled_ends_its_run_as_killed(client: AsyncClient) -> None:
    begun: asyncio.Queue[Run] = asyncio.Queue()

    async def work() -> None:
        async with await client.runs.begin() as run:
            begun.put_nowait(run)
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    run = await begun.get()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await client.runs.get(run.ref)).state is RunState.KILLED


async def test_a_finished_run_takes_nothing_more(client: AsyncClient) -> None:
    run = await client.runs.begin(run_id="one")
    ended = await run.finish(summary={"acc": 1})
    assert (ended.summary_json, ended.exit_code) == ('{"acc": 1}', None)
    assert await run.finish() == ended
    with pytest.raises(ClientClosedError):
        await run.log_metrics({"loss": 1.0})
    with pytest.raises(RunNotRunningError):
        await run.finish(RunState.FAILED)
    with pytest.raises(AlreadyExistsError):
        await client.runs.begin(run_id="one")


async def test_a_run_that_was_resumed_elsewhere_is_left_alone(client: AsyncClient) -> None:
    first = await client.runs.begin(run_id="one")
    await first.log_metrics({"loss": 1.0}, step=5)
    await first.flush()
    second = await client.runs.begin(run_id="one", resume=Resume.MUST)

    assert second.resumed
    await first.log_metrics({"loss": 2.0}, step=6)
    with pytest.raises(RunTakenOverError):
        await first.flush()
    with pytest.raises(RunTakenOverError):
        await first.finish()
    await first.detach()
    await second.log_metrics({"loss": 3.0}, step=6)
    await second.finish()
    assert (await client.runs.metrics("one", "loss")).last_values == (1.0, 3.0)


async def test_metrics_outlive_a_line_that_is_cut(client_on_line: AsyncClient, line: Line) -> None:
    run = await client_on_line.runs.begin()
    await run.log_metrics({"loss": 1.0})
    line.cut()
    await run.log_metrics({"loss": 2.0})
    await run.finish()
    assert (await client_on_line.runs.metrics(run.ref, "loss")).last_values == (1.0, 2.0)


async def test_many_points_go_on_one_stream(client: AsyncClient) -> None:
    async with await client.runs.begin() as run:
        await run.log_series("loss", range(25_000), [float(step) for step in range(25_000)])
        history = await client.runs.metrics(run.ref, "loss", max_points=10)
    assert history.sampled
    assert history.point_counts == (2_500,) * 10
    assert history.max_values[-1] == 24_999.0


@pytest.mark.parametrize(
    ("values", "step"),
    [({"loss": "much"}, 0), ({"": 1.0}, 0), ({"a\n": 1.0}, 0), ({"loss": 1.0}, -1)],
    ids=["no number", "no key", "control", "negative step"],
)
async def test_what_is_no_metric_is_refused_before_it_is_sent(
    client: AsyncClient, values: dict[str, float], step: int
) -> None:
    async with await client.runs.begin() as run:
        with pytest.raises(InvalidArgumentError):
            await run.log_metrics({"good": 1.0, **values}, step=step)
        await run.log_metrics({"nan": math.nan})
    assert [metric.key async for metric in client.runs.last_metrics(run.ref)] == ["nan"]


async def test_a_config_that_is_no_document_is_refused_before_it_is_sent(
    client: AsyncClient,
) -> None:
    for config in ({"x": "y" * (10 << 20)}, {"x": math.nan}, {"x": object()}):
        with pytest.raises(InvalidArgumentError):
            await client.runs.begin(config=config)
    assert not [project async for project in client.projects()]


async def test_files_are_kept_with_a_run(client: AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one")
    (tmp_path / "plot.svg").write_text("<svg/>")
    async with await client.runs.begin(run_id="one") as run:
        await run.save_files(tmp_path / "notes.txt")
        saved = await run.save_files(tmp_path / "plot.svg")
    assert (saved.version.collection, saved.version.type) == ("run-one", "run-files")
    paths = [file.path async for file in client.files("run-one")]
    assert paths == ["notes.txt", "plot.svg"]


async def test_edges_are_recorded_after_the_fact(client: AsyncClient, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        await client.log(name, tmp_path / name, type="dataset")
    run = await client.runs.begin(run_id="one")
    await run.finish()
    edges = [
        NewEdge(kind=EdgeKind.USED, run="one", ref="a"),
        NewEdge(kind=EdgeKind.DERIVED, ref="b:v0", from_ref="a:v0"),
    ]
    assert await client.runs.record(edges) == 2
    assert await client.runs.record(edges) == 0
    with pytest.raises(LineageCycleError):
        await client.runs.record([NewEdge(kind=EdgeKind.DERIVED, ref="a:v0", from_ref="b:v0")])
    with pytest.raises(TypeMismatchError):
        await (await client.runs.begin()).use("a", type="model")


async def test_runs_are_listed_and_described(client: AsyncClient) -> None:
    run = await client.runs.begin(run_id="one", job_type="train")
    await run.update(display_name="best", tags=["gold"], summary={"x": 1})
    await run.detach()
    (found,) = await client.runs.list(filter="tag:gold").to_list()
    assert (found.display_name, found.config_json) == ("best", "")
    assert (await client.runs.finish("one", RunState.KILLED)).state is RunState.KILLED
    with pytest.raises(NotFoundError):
        await client.runs.get("two")
    with pytest.raises(RefInvalidError):
        await client.runs.get("birds/one")
