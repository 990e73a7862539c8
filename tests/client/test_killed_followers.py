"""Followers that are killed at each step: the link leads to a whole version; the next goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydria.deployment_records import DeploymentState
from hydria.sync import Client
from tests.servers import ServerProcess, server_process

FOLLOWER = """
import asyncio, os, signal, sys
from hydria.client import AsyncClient
from hydria.following.follower import AsyncModelFollower

ref, address, root, cache, told, fatal = sys.argv[1:]

def step(name):
    if name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

async def tell(version):
    step("telling")
    with open(told, "a") as file:
        file.write((version.path / "weights").read_text()[:1])

async def main():
    async with AsyncClient(address, cache_dir=cache) as client:
        follower = AsyncModelFollower(client, ref, root, on_swap=tell, on_step=step)
        following = asyncio.create_task(follower.run())
        while fatal:
            await asyncio.sleep(1)
        while follower.current is None or follower.current.version_ref[-1] != "1":
            await asyncio.sleep(0.01)
            if following.done():
                following.result()
        while not os.path.exists(told) or open(told).read()[-1:] != "1":
            await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.wait([following])

asyncio.run(main())
"""
STEPS = ("downloaded", "synced", "noted", "swapped", "kept", "telling", "told")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


def follow(server: ServerProcess, tmp_path: Path, ref: str, fatal: str = "") -> int:
    """Run a follower until it has v1 in place and told, or is dead; return its exit code."""
    arguments = (
        ref,
        server.address,
        *(tmp_path / name for name in ("model", "cache", "told")),
        fatal,
    )
    command = [sys.executable, "-c", FOLLOWER, *map(str, arguments)]
    return subprocess.run(command, timeout=60, check=False).returncode


def log(client: Client, tmp_path: Path, content: str) -> None:
    (tmp_path / "weights").write_text(content * 1000)
    client.log("calls", tmp_path / "weights", type="model", aliases=["production"])


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_follower_leaves_a_whole_version_and_the_next_one_goes_on(
    server: ServerProcess, tmp_path: Path, step: str
) -> None:
    ref = f"team-{step}/birds/calls:production"
    model, told = tmp_path / "model", tmp_path / "told"
    cache = tmp_path / "cache"
    with Client(server.address, entity=f"team-{step}", project="birds", cache_dir=cache) as client:
        log(client, tmp_path, "0")
        with client.follow(ref, model):
            assert (model / "weights").read_text() == "0" * 1000
        log(client, tmp_path, "1")
        assert follow(server, tmp_path, ref, step) == -signal.SIGKILL
        is_swapped = STEPS.index(step) >= STEPS.index("swapped")
        assert (model / "weights").read_text() == "01"[is_swapped] * 1000
        assert follow(server, tmp_path, ref) == 0
    assert (model / "weights").read_text() == "1" * 1000
    assert told.read_text() == "1", "the callback hears of it once, unless it was killed meanwhile"
    places = {path.name.partition("-")[0] for path in (tmp_path / ".model.hydria").glob("v*")}
    assert places == {"v0", "v1"}, "the one before is there to go back to"


@pytest.mark.slow
def test_a_follower_that_is_killed_is_lost_and_shown_so(
    server: ServerProcess, tmp_path: Path
) -> None:
    ref = "team-lost/birds/calls:production"
    with Client(server.address, entity="team-lost", project="birds", cache_dir=tmp_path) as client:
        for content in "01":
            log(client, tmp_path, content)
        arguments = ("registry", "follow", ref, "--root", str(tmp_path / "model"), "--lease", "5")
        command = [sys.executable, "-m", "hydria.cli.main", "--server", server.address, *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as follower:
            deadline = time.monotonic() + 30
            while not list(client.deployments.list()):
                assert time.monotonic() < deadline
            follower.kill()
        while (found := next(client.deployments.list())).state is not DeploymentState.LOST:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert found.version_ref == "team-lost/birds/calls:v1"
        client.delete_version("calls:v1", delete_aliases=True)
