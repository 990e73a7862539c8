"""Clients that go away in the middle: nothing half-done is seen, nothing is held for them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria_server.domain.chunks import Chunk, Location
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.faults.checker import problems_in
from tests.faults.stub_client import (
    NAME,
    Promises,
    StubClient,
    all_chunks,
    batch_of,
    random_files,
)
from tests.servers import Server, memory_server

FILES = random_files(31, 2_600_000, 700, 0, 400_000)
REF = f"{NAME}:v0"
COMMIT_STEPS = ("metadata.before_commit", "metadata.after_commit")

Reached = Callable[[str], None]
FileCall = grpc.aio.StreamUnaryCall[pb.UploadFileRequest, pb.UploadFileResponse]


def seeds(count: int) -> list[object]:
    """Return so many seeds, all but the first for `make test-slow`."""
    return [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, count))]


@asynccontextmanager
async def served(data: Path, reached: Reached = lambda _step: None) -> AsyncIterator[Server]:
    packs = await DiskPackStore.open(data / "packs", failpoint=reached)
    metadata = await SqlMetadataStore.open(data / "meta.db", failpoint=reached)
    async with memory_server(packs=packs, metadata=metadata) as server:
        yield server


async def until(condition: Callable[[], bool]) -> None:
    """Return when something that nobody tells has come true."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.001)


async def settle(server: Server) -> None:
    """Return when nothing is held any more for calls that were cancelled."""
    budgets = (server.services.budget, server.services.file_budget)
    await until(lambda: not any(budget.used_bytes for budget in budgets))


async def send_some(
    client: StubClient, upload_id: str, chunks: Sequence[bytes], source: random.Random
) -> set[bytes]:
    """Send a few chunks, read a few responses, go away; return what was acknowledged."""
    call = client.stub.UploadChunks(timeout=20)
    header = pb.UploadChunksHeader(upload_id=upload_id)
    await call.write(pb.UploadChunksRequest(header=header))
    sent = source.randint(0, len(chunks))
    for seq, chunk in enumerate(chunks[:sent], 1):
        await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], seq)))
    durable = 0
    for _ in range(source.randint(0, 2) if sent else 0):
        if durable < sent:
            response = await call.read()
            assert isinstance(response, pb.UploadChunksResponse)
            durable = response.durable_through_seq
    call.cancel()
    return set(chunks[:durable])


@pytest.mark.parametrize("seed", seeds(4))
async def test_streams_of_chunks_cancelled_anywhere_keep_what_was_acknowledged(
    tmp_path: Path, seed: int
) -> None:
    source = random.Random(seed)
    files = random_files(seed, *[100_000] * 40)
    chunks = all_chunks(files)
    async with served(tmp_path) as server:
        client = StubClient(server.channel, Promises())
        upload_id = await client.create()
        for _ in range(8):
            streams = [
                send_some(client, upload_id, source.sample(chunks, 12), source) for _ in range(3)
            ]
            acknowledged = set.union(*await asyncio.gather(*streams))
            assert not acknowledged & set(await client.missing(upload_id, chunks))
        await settle(server)
        await client.send(upload_id, await client.missing(upload_id, chunks))
        await client.stage(upload_id, files)
        await client.commit(upload_id, files)
        assert await client.download(REF) == files
    assert problems_in(tmp_path) == []


@pytest.mark.parametrize("seed", seeds(4))
async def test_a_file_cancelled_anywhere_is_not_staged(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    content = source.randbytes(5_000_000)
    async with served(tmp_path) as server:
        client = StubClient(server.channel, Promises())
        upload_id = await client.create()
        for _ in range(6):
            call = client.stub.UploadFile(timeout=20)
            header = pb.UploadFileHeader(upload_id=upload_id, path="a", size_bytes=len(content))
            await call.write(pb.UploadFileRequest(header=header))
            for start in range(0, source.randrange(len(content)), 500_000):
                data = content[start : start + 500_000]
                await call.write(pb.UploadFileRequest(data=data))
            call.cancel()
        await settle(server)
        assert (await client.begin("other")).upload_id != upload_id
        status = await client.stub.GetUpload(pb.GetUploadRequest(upload_id=upload_id))
        assert not status.upload.writers
        await client.upload_file(upload_id, "b", content)
        await client.commit(upload_id, {"b": content})
        assert await client.download(REF) == {"b": content}
    assert problems_in(tmp_path) == []


async def staged(client: StubClient) -> str:
    """Return an upload that lacks nothing but its commit."""
    upload_id = await client.create()
    for chunk in all_chunks(FILES):
        await client.put(upload_id, [chunk])
    await client.stage(upload_id, FILES)
    return upload_id


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("step", COMMIT_STEPS)
async def test_a_commit_cancelled_at_its_very_end_happened_or_did_not(
    tmp_path: Path, step: str, times: int
) -> None:
    commit: grpc.aio.UnaryUnaryCall[pb.CommitUploadRequest, pb.CommitUploadResponse] | None = None
    left = times

    def go_away(reached: str) -> None:
        nonlocal left
        if commit is not None and reached == step:
            left -= 1
            if left == 0:
                commit.cancel()

    async with served(tmp_path, go_away) as server:
        client = StubClient(server.channel, Promises())
        upload_id = await staged(client)
        commit = client.stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
        with pytest.raises(asyncio.CancelledError):
            await commit
        seen = await client.versions()
        version = (await client.commit(upload_id, FILES)).version
        assert version.ref == REF
        assert seen in ([], [REF])
        assert await client.versions() == [REF]
        assert await client.download(REF) == FILES
    assert problems_in(tmp_path) == []


@pytest.mark.parametrize("seed", seeds(3))
async def test_a_commit_cancelled_anywhere_happened_or_did_not(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    async with served(tmp_path) as server:
        client = StubClient(server.channel, Promises())
        upload_id = await staged(client)
        for _ in range(6):
            commit = client.stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
            # Not to wait for anything: to go away at another moment each time.
            await asyncio.sleep(source.uniform(0, 0.01))
            commit.cancel()
            assert await client.versions() in ([], [REF])
        assert (await client.commit(upload_id, FILES)).version.ref == REF
        assert await client.versions() == [REF]
        assert await client.download(REF) == FILES
    assert problems_in(tmp_path) == []


@pytest.mark.parametrize("seed", seeds(3))
async def test_downloads_cancelled_anywhere_leave_nothing_behind(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    async with served(tmp_path) as server:
        client = StubClient(server.channel, Promises())
        await client.upload(FILES)
        before = len(asyncio.all_tasks())
        for _ in range(10):
            call = client.stub.Download(pb.DownloadRequest(ref=REF))
            for _ in range(source.randint(0, 3)):
                await call.read()
            call.cancel()
        assert await client.download(REF) == FILES
        await until(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.parametrize("seed", seeds(2))
async def test_small_versions_cancelled_anywhere_are_made_once(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    async with served(tmp_path) as server:
        client = StubClient(server.channel, Promises())
        for n in range(5):
            request = pb.PutVersionRequest(
                entity="team",
                project="plant",
                collection="data",
                type="dataset",
                request_id=f"request-{n}",
            )
            request.files.add(path="a", content=b"%d" % n)
            for _ in range(2):
                call = client.stub.PutVersion(request)
                await asyncio.sleep(source.uniform(0, 0.01))
                call.cancel()
            response = await client.stub.PutVersion(request)
            assert response.version.ref == f"{NAME}:v{n}"
    assert problems_in(tmp_path) == []


async def stand_still(client: StubClient, *, size_bytes: int) -> list[FileCall]:
    """Begin more files than there is room for buffers, and send a byte of each."""
    upload_id, calls = await client.create(), []
    for n in range(40):
        calls.append(client.stub.UploadFile())
        header = pb.UploadFileHeader(upload_id=upload_id, path=f"f{n}", size_bytes=size_bytes)
        await calls[-1].write(pb.UploadFileRequest(header=header))
        await calls[-1].write(pb.UploadFileRequest(data=b"x"))
    return calls


async def test_large_files_that_stand_still_do_not_hold_up_chunks() -> None:
    async with memory_server() as server:
        client = StubClient(server.channel, Promises())
        calls = await stand_still(client, size_bytes=1 << 40)
        await until(lambda: server.services.file_budget.used_bytes > 60_000_000)

        await client.upload(FILES)

        assert await client.download(REF) == FILES
        for call in calls:
            call.cancel()
        await settle(server)


async def test_small_files_that_stand_still_hold_up_nobody() -> None:
    async with memory_server() as server:
        client = StubClient(server.channel, Promises())
        calls = await stand_still(client, size_bytes=1000)
        await until(lambda: server.services.file_budget.used_bytes == 40_000)

        await client.upload_file(await client.create(), "large", FILES["d0/f0.bin"])

        for call in calls:
            call.cancel()
        await settle(server)


class SlowPacks(MemoryPackStore):
    """Packs on a disk that stands still until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.goes = asyncio.Event()

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        await self.goes.wait()
        return await super().append(domain, chunks)


async def test_what_gone_clients_sent_does_not_pile_up_before_a_slow_disk() -> None:
    packs = SlowPacks()
    async with memory_server(packs=packs) as server:
        client = StubClient(server.channel, Promises())
        upload_id = await client.create()
        for seed in range(30):
            chunks = [*random_files(seed, 2_000_000, 2_000_000).values()]
            call = client.stub.UploadChunks(timeout=20)
            header = pb.UploadChunksHeader(upload_id=upload_id)
            await call.write(pb.UploadChunksRequest(header=header))
            for seq, chunk in enumerate(chunks, 1):
                await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], seq)))
            await until(lambda: server.services.budget.used_bytes == 4_000_000)
            call.cancel()
            await settle(server)

        requests = list(server.services.ingest._queue._queue)  # type: ignore[attr-defined]
        held_bytes = sum(chunk.size_bytes for request in requests for chunk in request.chunks)
        packs.goes.set()
    assert held_bytes == 0
