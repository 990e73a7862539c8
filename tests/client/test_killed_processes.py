"""Either side is killed in the middle, and what was done is not done again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import hydria
from tests.client.trees import MIB, content, plant, tree_of
from tests.servers import ServerProcess, server_process

pytestmark = pytest.mark.slow

LARGE_FILES = 8
TINY_FILES = {f"tiny/{number}": b"%d" % number for number in range(3000)}
SIZE_BYTES = LARGE_FILES * 24 * MIB + sum(map(len, TINY_FILES.values()))

LOGGING = """
import sys, hydria
def report(progress):
    print(progress.sent_bytes, flush=True)
with hydria.Client(sys.argv[1], project="birds", cache_dir=sys.argv[3]) as client:
    client.log("calls", sys.argv[2], type="dataset", progress=report)
"""
DOWNLOADING = """
import sys, hydria
def report(progress):
    print(progress.bytes_done, flush=True)
with hydria.Client(sys.argv[1], project="birds", cache_dir=sys.argv[3]) as client:
    client.download("calls", sys.argv[2], progress=report)
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    """Return what is sent: only here, as every worker of a run that leaves it out imports this."""
    large = {f"large/{number}": content(24 * MIB, number) for number in range(LARGE_FILES)}
    return large | TINY_FILES


class Kill:
    """Kills a server once so many bytes were sent, and starts it again at the same address."""

    def __init__(self, server: ServerProcess, data: Path, after_bytes: int) -> None:
        self.server = server
        self.data = data
        self.after_bytes = after_bytes
        self.successor: subprocess.Popen[str] | None = None

    def __call__(self, progress: hydria.Progress) -> None:
        if self.successor is None and progress.sent_bytes >= self.after_bytes:
            self.server.kill()
            command = [sys.executable, "-m", "hydria_server", "--data", str(self.data)]
            self.successor = subprocess.Popen(
                [*command, "--listen", self.server.address],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
            )


@pytest.mark.parametrize("after_bytes", [1, 40 * MIB, 150 * MIB])
async def test_an_upload_outlives_a_server_that_is_killed(
    tmp_path: Path, files: dict[str, bytes], after_bytes: int
) -> None:
    source = plant(tmp_path / "source", files)
    with server_process(tmp_path / "data") as server:
        kill = Kill(server, tmp_path / "data", after_bytes)
        async with hydria.AsyncClient(
            server.address, project="birds", cache_dir=tmp_path / "cache"
        ) as client:
            result = await client.log("calls", source, type="dataset", progress=kill)
            await client.download("calls", tmp_path / "copy")
    assert kill.successor is not None
    kill.successor.kill()
    await asyncio.to_thread(kill.successor.wait)

    assert result.created
    assert result.sent_bytes <= SIZE_BYTES + 40 * MIB
    assert tree_of(tmp_path / "copy") == files


def killed_after(program: str, *arguments: str, size_bytes: int) -> None:
    """Run a program that prints how far it is, and kill it when it is that far."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if int(line) >= size_bytes:
                process.kill()
        assert process.wait() == -signal.SIGKILL


def test_an_upload_goes_on_where_a_killed_client_ended(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    source = plant(tmp_path / "source", files)
    with (
        server_process(tmp_path / "data") as server,
        hydria.Client(server.address, project="birds", cache_dir=tmp_path / "cache") as client,
    ):
        where = (server.address, str(source), str(tmp_path / "other cache"))
        killed_after(LOGGING, *where, size_bytes=100 * MIB)

        result = client.log("calls", source, type="dataset")
        client.download("calls", tmp_path / "copy")

    assert result.version.version == "v0"
    assert result.sent_bytes <= SIZE_BYTES - 60 * MIB
    assert tree_of(tmp_path / "copy") == files


def test_a_download_goes_on_where_a_killed_client_ended(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    source = plant(tmp_path / "source", files)
    with (
        server_process(tmp_path / "data") as server,
        hydria.Client(server.address, project="birds", cache_dir=tmp_path / "cache") as client,
    ):
        # Files are put in place in batches; more than one batch has to come before the kill.
        many = plant(tmp_path / "many", {f"m/{n}": content(MIB, 100 + n) for n in range(320)})
        client.log("calls", [source, many], type="dataset")
        where = (server.address, str(tmp_path / "copy"), str(tmp_path / "other cache"))
        killed_after(DOWNLOADING, *where, size_bytes=400 * MIB)

        result = client.download("calls", tmp_path / "copy")

    assert 0 < result.received_bytes <= result.size_bytes - 200 * MIB
    copy = {k: v for k, v in tree_of(tmp_path / "copy").items() if not k.startswith(".hydria")}
    assert copy == files | tree_of(many)


def test_a_delta_download_that_was_killed_left_the_old_files_and_is_completed(
    tmp_path: Path,
) -> None:
    old = {f"large/{number}": content(24 * MIB, number) for number in range(6)}
    new = {path: data[: 20 * MIB] + content(4 * MIB, 50) for path, data in old.items()}
    copy = tmp_path / "copy"
    with (
        server_process(tmp_path / "data") as server,
        hydria.Client(server.address, project="birds", cache_dir=tmp_path / "cache") as client,
    ):
        client.log("calls", plant(tmp_path / "old", old), type="dataset")
        client.download("calls", copy)
        client.log("calls", plant(tmp_path / "new", new))
        where = (server.address, str(copy), str(tmp_path / "other cache"))
        killed_after(DOWNLOADING, *where, size_bytes=24 * MIB)
        left = tree_of(copy)
        assert {path: left[path] for path in old} == old

        result = client.download("calls", copy)
        verified = client.verify("calls", root=copy)

    assert result.received_bytes <= sum(map(len, new.values())) // 3
    assert (verified.missing, verified.changed) == ((), ())
    kept = {path: data for path, data in tree_of(copy).items() if not path.startswith(".hydria")}
    assert kept == new
