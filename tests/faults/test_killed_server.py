"""kill -9 at every step of an upload: what was acknowledged is there, what was not is nowhere."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.crashes import (
    FILES,
    REQUEST_ID,
    Flow,
    by_chunks,
    by_files,
    require_recovery,
    run_until_killed,
    steps_of,
)
from tests.faults.forked_servers import forked_server
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    NAME,
    PROJECT,
    Promises,
    StubClient,
    stub_client,
)
from tests.servers import server_program

BEFORE_COMMIT, AFTER_COMMIT = "metadata.before_commit", "metadata.after_commit"
Times = Mapping[Flow, Mapping[str, int]]
STEPS = [
    "packs.after_create",
    "packs.before_write",
    "packs.after_write",
    "packs.after_sync",
    "packs.before_seal",
    "packs.after_seal",
    BEFORE_COMMIT,
    AFTER_COMMIT,
]


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Times:
    """Return how often each flow reaches each step."""
    directory = tmp_path_factory.mktemp("counted")
    flows = (by_chunks, by_files)
    return {flow: asyncio.run(steps_of(flow, directory / flow.__name__)) for flow in flows}


async def require_survival(data: Path, step: str, flow: Flow) -> None:
    promises = Promises()
    await run_until_killed(data, step, flow, promises)
    await require_recovery(data, flow, promises)


@pytest.mark.parametrize("step", STEPS)
async def test_an_upload_by_chunks_survives_a_kill_midway(
    tmp_path: Path, times: Times, step: str
) -> None:
    halfway = times[by_chunks][step] // 2 + 1

    await require_survival(tmp_path / "killed", f"{step}:{halfway}", by_chunks)


@pytest.mark.parametrize("step", ["packs.after_write", "packs.after_sync", AFTER_COMMIT])
async def test_an_upload_by_files_survives_a_kill_late(
    tmp_path: Path, times: Times, step: str
) -> None:
    last = times[by_files][step]

    await require_survival(tmp_path / "killed", f"{step}:{last}", by_files)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("flow", [by_chunks, by_files])
async def test_an_upload_survives_a_kill_at_every_single_step(
    tmp_path: Path, times: Times, flow: Flow
) -> None:
    for step in STEPS:
        for n in range(1, times[flow][step] + 1):
            await require_survival(tmp_path / f"{step}-{n}", f"{step}:{n}", flow)


async def test_an_upload_survives_one_kill_after_the_other(tmp_path: Path) -> None:
    promises = Promises()
    finished = False

    async def flow(client: StubClient) -> None:
        nonlocal finished
        await by_chunks(client)
        finished = True

    for step in ("packs.after_write:3", f"{AFTER_COMMIT}:4", "packs.after_sync:2"):
        await run_until_killed(tmp_path / "data", step, flow, promises)
        assert not finished

    await require_recovery(tmp_path / "data", by_chunks, promises)


async def test_killed_before_the_commit_is_written_there_is_no_version(
    tmp_path: Path, times: Times
) -> None:
    promises = Promises()
    last = times[by_chunks][BEFORE_COMMIT]

    await run_until_killed(tmp_path / "data", f"{BEFORE_COMMIT}:{last}", by_chunks, promises)

    assert promises.staged_seqs == len(FILES)
    with forked_server(tmp_path / "data") as server:
        async with stub_client(server.address) as client:
            assert await client.versions() == []


async def test_killed_after_the_commit_is_written_there_is_the_version(
    tmp_path: Path, times: Times
) -> None:
    promises = Promises()
    last = times[by_chunks][AFTER_COMMIT]

    await run_until_killed(tmp_path / "data", f"{AFTER_COMMIT}:{last}", by_chunks, promises)

    assert promises.versions == {}
    with forked_server(tmp_path / "data") as server:
        async with stub_client(server.address) as client:
            (ref,) = await client.versions()
            again = await client.commit(await client.create(REQUEST_ID), FILES, "best")
    assert (again.version.ref, again.created) == (ref, True)


SMALL = pb.PutVersionRequest(
    entity=ENTITY,
    project=PROJECT,
    collection=COLLECTION,
    type="dataset",
    request_id="once",
    files=[pb.InlineFile(path="a", content=b"a"), pb.InlineFile(path="b", content=b"")],
)


async def by_one_call(client: StubClient) -> None:
    """Make a small version, or learn that it was made."""
    response = await client.stub.PutVersion(SMALL)
    assert (response.version.ref, response.created) == (f"{NAME}:v0", True)


SMALL_STEPS = ["packs.after_sync", BEFORE_COMMIT, AFTER_COMMIT]


async def require_made_once(data: Path, step: str) -> None:
    await run_until_killed(data, step, by_one_call, Promises())
    assert problems_in(data) == []
    with forked_server(data) as server:
        async with stub_client(server.address) as client:
            await by_one_call(client)
            assert await client.download(f"{NAME}:v0") == {"a": b"a", "b": b""}
        server.kill()


@pytest.mark.parametrize("step", SMALL_STEPS)
async def test_a_small_version_is_made_once_though_the_server_was_killed_late(
    tmp_path: Path, step: str
) -> None:
    last = (await steps_of(by_one_call, tmp_path / "counted"))[step]

    await require_made_once(tmp_path / "data", f"{step}:{last}")


@pytest.mark.slow
@pytest.mark.parametrize("step", SMALL_STEPS)
async def test_a_small_version_is_made_once_wherever_the_server_was_killed(
    tmp_path: Path, step: str
) -> None:
    last = (await steps_of(by_one_call, tmp_path / "counted"))[step]

    for n in range(1, last + 1):
        await require_made_once(tmp_path / f"killed-{n}", f"{step}:{n}")


@pytest.mark.parametrize("seed", range(3))
async def test_a_server_killed_while_it_starts_can_be_started(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    data = tmp_path / "data"
    for _ in range(8):  # the first of them make the store
        with forked_server(data, dies_after_seconds=source.uniform(0.001, 0.06)) as server:
            assert server.wait() == -signal.SIGKILL

    with forked_server(data) as server:
        async with stub_client(server.address, Promises()) as client:
            await by_chunks(client)
        assert server.terminate() == 0
    assert problems_in(data) == []


async def test_the_program_as_users_start_it_recovers_too(tmp_path: Path) -> None:
    promises = Promises()
    failpoint = {"HYDRIA_FAILPOINT": "packs.after_sync:4"}
    with server_program(tmp_path / "data", environ=failpoint) as server:
        async with stub_client(server.address, promises) as client:
            with pytest.raises(Exception, match="UNAVAILABLE"):
                await by_chunks(client)
        assert server.wait() == -signal.SIGKILL
    assert len(promises.durable_chunks) == 3

    with server_program(tmp_path / "data") as server:
        async with stub_client(server.address, promises) as client:
            await by_chunks(client)
            assert await client.download("team/plant/data:best") == FILES
        assert server.terminate() == 0
