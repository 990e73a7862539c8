"""The Python client goes on by itself when the server is killed at any step and comes back."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hydria
from tests.faults.checker import problems_in
from tests.faults.forked_servers import forked_server
from tests.faults.stub_client import random_files

FILES = random_files(61, 2_600_000, 700, 0, 400_000)
OPTIONS = hydria.TransferOptions(retry_seconds=60)


@contextmanager
def killed_and_served_again(data: Path, address: str, step: str) -> Iterator[list[int]]:
    """Serve `data` at `address` until `step` kills the server, then once more; yield exit codes."""
    codes: list[int] = []
    begun, stop = threading.Event(), threading.Event()

    def serve() -> None:
        with forked_server(data, "--listen", address, failpoint=step) as server:
            begun.set()
            codes.append(server.wait())
        with forked_server(data, "--listen", address) as server:
            stop.wait()
            codes.append(server.terminate())

    thread = threading.Thread(target=serve)
    thread.start()
    begun.wait()
    try:
        yield codes
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "step",
    [
        "packs.after_create",
        "packs.after_write:2",
        "packs.after_sync",
        "metadata.before_commit:3",
        "metadata.after_commit:3",
        "metadata.before_commit:5",
        "metadata.after_commit:5",
    ],
)
async def test_a_log_outlives_a_kill(tmp_path: Path, step: str) -> None:
    source = tmp_path / "source"
    for path, content in FILES.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    address = f"unix://{tmp_path}/s"

    with killed_and_served_again(tmp_path / "data", address, step) as codes:
        async with hydria.AsyncClient(
            address, project="plant", cache_dir=tmp_path / "cache", options=OPTIONS
        ) as client:
            result = await client.log("data", source, type="dataset", aliases=["best"])
            await client.download("data:best", tmp_path / "copy")

    assert codes == [-signal.SIGKILL, 0]
    assert result.version.version == "v0"
    copy = {path: (tmp_path / "copy" / path).read_bytes() for path in FILES}
    assert copy == FILES
    assert await asyncio.to_thread(problems_in, tmp_path / "data") == []
