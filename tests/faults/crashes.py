"""Runs a real server until it is killed at a step, and asks the next one for what was promised."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc

from hydria.v1 import types_pb2
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from tests.faults.checker import problems_in
from tests.faults.forked_servers import forked_server
from tests.faults.stub_client import (
    NAME,
    Promises,
    StubClient,
    all_chunks,
    random_files,
    stub_client,
)
from tests.servers import memory_server

# Several chunks of one file, files of one chunk, a file of none.
FILES = random_files(1, 2_600_000, 700, 0, 300_000)
REQUEST_ID = "the-same-upload-whatever-happens"

Flow = Callable[[StubClient], Awaitable[None]]
"""Makes `FILES` a version. It goes on where it was interrupted, and never sends twice."""


async def by_chunks(client: StubClient) -> None:
    """Ask, send what is missing, stage, commit."""
    upload = await client.begin(REQUEST_ID)
    if upload.state == types_pb2.UPLOAD_STATE_OPEN:
        missing = await client.missing(upload.upload_id, all_chunks(FILES))
        assert not set(missing) & set(client.promises.durable_chunks)
        await client.send(upload.upload_id, missing)
        assert sum(w.staged_through_seq for w in upload.writers) >= client.promises.staged_seqs
        await client.stage(upload.upload_id, FILES)
    await client.commit(upload.upload_id, FILES, "best")


async def by_files(client: StubClient) -> None:
    """Send every file that is not staged, commit."""
    upload = await client.begin(REQUEST_ID)
    if upload.state == types_pb2.UPLOAD_STATE_OPEN:
        for path, content in FILES.items():
            if path not in client.promises.durable_files:
                await client.upload_file(upload.upload_id, path, content)
    await client.commit(upload.upload_id, FILES, "best")


async def steps_of(flow: Flow, directory: Path) -> Counter[str]:
    """Return how often each step is reached when nobody is killed."""
    steps: Counter[str] = Counter()
    reached = lambda name: steps.update([name])  # noqa: E731 - a name for two uses
    packs = await DiskPackStore.open(directory / "packs", failpoint=reached)
    metadata = await SqlMetadataStore.open(directory / "meta.db", failpoint=reached)
    async with memory_server(packs=packs, metadata=metadata) as server:
        await flow(StubClient(server.channel, Promises()))
    return steps


async def run_until_killed(data: Path, step: str, flow: Flow, promises: Promises) -> None:
    """Serve `data`, and run `flow`, until `step` (`STEP` or `STEP:N`) ends the server."""
    with forked_server(data, failpoint=step) as server:
        finished = bool(server.address) and await _finishes(server.address, flow, promises)
        # The steps of sealing are reached when it stops.
        code = server.terminate() if finished else server.wait()
    assert code == -signal.SIGKILL


async def _finishes(address: str, flow: Flow, promises: Promises) -> bool:
    try:
        async with stub_client(address, promises) as client:
            await flow(client)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


async def require_recovery(data: Path, flow: Flow, promises: Promises) -> None:
    """Serve what a crash left in `data`: nothing promised is lost, and `flow` can be finished."""
    assert problems_in(data) == []
    left = pack_bytes(data)
    with forked_server(data) as server:
        assert sorted(pack_bytes(data, "sealed")) == sorted(left)
        async with stub_client(server.address, promises) as client:
            await require_nothing_half_done(client)
            await flow(client)
            await require_promises(client)
        assert server.terminate() == 0
    require_unchanged(data, left)
    assert problems_in(data) == []


async def require_nothing_half_done(client: StubClient) -> None:
    """Whatever version can be seen is whole."""
    seen = await client.versions()
    assert set(client.promises.versions) <= set(seen)
    for ref in seen:
        assert await client.download(ref) == client.promises.versions.get(ref, FILES)


async def require_promises(client: StubClient) -> None:
    """What was said to be durable is there for a new upload; versions are what they were."""
    upload_id = await client.create()
    assert await client.missing(upload_id, client.promises.durable_chunks) == []
    assert await client.versions() == list(client.promises.versions)
    for ref, files in client.promises.versions.items():
        assert await client.download(ref) == files
    assert await client.download(f"{NAME}:best") == FILES


def require_unchanged(data: Path, before: dict[str, bytes]) -> None:
    """A pack that a crash left is never written to again."""
    after = pack_bytes(data)
    assert {pack_id: after[pack_id] for pack_id in before} == before


def pack_bytes(data: Path, under: str = "") -> dict[str, bytes]:
    """Return the content of every pack by its id."""
    return {path.stem: path.read_bytes() for path in (data / "packs" / under).rglob("*.pack")}
