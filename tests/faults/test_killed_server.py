"""kill -9 at every step of an upload: what was acknowledged is there, what was not is nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

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
from tests.faults.stub_client import Promises, StubClient, stub_client
from tests.servers import server_process

BEFORE_COMMIT, AFTER_COMMIT = "metadata.before_commit", "metadata.after_commit"


@pytest.mark.parametrize(
    "step",
    [
        "packs.after_create",
        "packs.before_write:3",
        "packs.after_write:3",
        "packs.after_sync:3",
        f"{BEFORE_COMMIT}:4",
        f"{AFTER_COMMIT}:4",
        "packs.before_seal",
        "packs.after_seal",
    ],
)
async def test_an_upload_by_chunks_survives_a_kill(tmp_path: Path, step: str) -> None:
    promises = Promises()

    await run_until_killed(tmp_path / "data", step, by_chunks, promises)

    await require_recovery(tmp_path / "data", by_chunks, promises)


@pytest.mark.parametrize(
    "step",
    ["packs.before_write:2", "packs.after_sync:2", f"{BEFORE_COMMIT}:5", f"{AFTER_COMMIT}:5"],
)
async def test_an_upload_by_files_survives_a_kill(tmp_path: Path, step: str) -> None:
    promises = Promises()

    await run_until_killed(tmp_path / "data", step, by_files, promises)

    await require_recovery(tmp_path / "data", by_files, promises)


async def test_killed_before_the_commit_is_written_there_is_no_version(tmp_path: Path) -> None:
    promises = Promises()
    last = (await steps_of(by_chunks, tmp_path))[BEFORE_COMMIT]

    await run_until_killed(tmp_path / "data", f"{BEFORE_COMMIT}:{last}", by_chunks, promises)

    assert promises.staged_seqs == len(FILES)
    with server_process(tmp_path / "data") as server:
        async with stub_client(server.address) as client:
            assert await client.versions() == []
    await require_recovery(tmp_path / "data", by_chunks, promises)


async def test_killed_after_the_commit_is_written_there_is_the_version(tmp_path: Path) -> None:
    promises = Promises()
    last = (await steps_of(by_chunks, tmp_path))[AFTER_COMMIT]

    await run_until_killed(tmp_path / "data", f"{AFTER_COMMIT}:{last}", by_chunks, promises)

    assert promises.versions == {}
    with server_process(tmp_path / "data") as server:
        async with stub_client(server.address) as client:
            (ref,) = await client.versions()
            again = await client.commit(await client.create(REQUEST_ID), FILES, "best")
    assert (again.version.ref, again.created) == (ref, True)
    await require_recovery(tmp_path / "data", by_chunks, promises)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("flow", [by_chunks, by_files])
async def test_an_upload_survives_a_kill_at_every_single_step(tmp_path: Path, flow: Flow) -> None:
    steps = await steps_of(flow, tmp_path)
    for step, times in steps.items():
        for n in range(1, times + 1):
            data = tmp_path / f"{step}-{n}"
            promises = Promises()
            if (step, n) in ((BEFORE_COMMIT, 1), (AFTER_COMMIT, 1)):
                continue  # reached before the server says where it is
            await run_until_killed(data, f"{step}:{n}", flow, promises)
            await require_recovery(data, flow, promises)


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
