"""SIGTERM: streams are told, calls in hand are finished, what was acknowledged is kept."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.forked_servers import ForkedServer, forked_server
from tests.faults.stub_client import (
    NAME,
    Promises,
    StubClient,
    all_chunks,
    batch_of,
    digest_of,
    random_files,
    stub_client,
)
from tests.refusals import refused

FILES = random_files(21, 2_600_000, 700, 0, 400_000)
DRAINING = "SERVER_DRAINING"
# Far longer than these tests may take: a drain that waits for silent streams would be noticed.
PATIENCE = ("--drain-seconds", "100")
PROMPT_SECONDS = 20.0

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

HealthCall = grpc.aio.UnaryStreamCall[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
Call = grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse]


async def stream_of(client: StubClient, upload_id: str) -> Call:
    """Begin a stream of chunks, and see one acknowledged."""
    call = client.stub.UploadChunks(timeout=60)
    header = pb.UploadChunksHeader(upload_id=upload_id)
    await call.write(pb.UploadChunksRequest(header=header))
    chunk = all_chunks(FILES)[0]
    await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], 1)))
    while (await response_of(call)).durable_through_seq < 1:
        pass
    client.promises.durable_chunks.append(chunk)
    return call


async def response_of(call: Call) -> pb.UploadChunksResponse:
    response = await call.read()
    assert isinstance(response, pb.UploadChunksResponse)
    return response


async def read_to_fatal(client: StubClient, call: Call) -> str:
    """Read on as clients must, counting what became durable; return the reason."""
    chunks = all_chunks(FILES)
    while True:
        response = await response_of(call)
        client.promises.durable_chunks += chunks[: response.durable_through_seq]
        if response.fatal.reason:
            await call.done_writing()
            return response.fatal.reason


async def read_all(call: grpc.aio.UnaryStreamCall[pb.DownloadRequest, pb.DownloadResponse]) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def read_to_the_end(call: Call) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


def begin_drain(server: ForkedServer) -> float:
    server.process.terminate()
    return time.monotonic()


@asynccontextmanager
async def health_of(server: ForkedServer) -> AsyncIterator[HealthCall]:
    """Watch the health of a server that is serving."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        call: HealthCall = stub.Watch(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
        assert await call.read() == health_pb2.HealthCheckResponse(status=SERVING)
        yield call
        call.cancel()


async def require_promises_after_restart(data: Path, promises: Promises) -> None:
    assert promises.durable_chunks
    assert problems_in(data) == []
    with forked_server(data) as server:
        async with stub_client(server.address) as client:
            upload_id = await client.create()
            assert await client.missing(upload_id, promises.durable_chunks) == []
            for ref, files in promises.versions.items():
                assert await client.download(ref) == files


async def test_a_stream_of_chunks_is_told_in_band(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with forked_server(data, *PATIENCE) as server:
        async with stub_client(server.address, promises) as client:
            call = await stream_of(client, await client.create())
            begun = begin_drain(server)
            for seq, chunk in enumerate(all_chunks(FILES)[1:], 2):
                await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], seq)))
            assert await read_to_fatal(client, call) == DRAINING
            with refused(DRAINING):
                await read_to_the_end(call)
            assert server.wait() == 0
    assert time.monotonic() - begun < PROMPT_SECONDS
    await require_promises_after_restart(data, promises)


async def test_a_silent_stream_of_chunks_is_told_at_once(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with forked_server(data, *PATIENCE) as server:
        async with stub_client(server.address, promises) as client:
            call = await stream_of(client, await client.create())
            begun = begin_drain(server)
            assert await read_to_fatal(client, call) == DRAINING
            with refused(DRAINING):
                await read_to_the_end(call)
            assert server.wait() == 0
    assert time.monotonic() - begun < PROMPT_SECONDS
    await require_promises_after_restart(data, promises)


async def test_a_file_on_its_way_is_told_and_is_not_staged(tmp_path: Path) -> None:
    data, content = tmp_path / "data", FILES["d0/f0.bin"]
    with forked_server(data, *PATIENCE) as server:
        async with stub_client(server.address) as client:
            upload_id = await client.create("again")
            call = client.stub.UploadFile(timeout=60)
            header = pb.UploadFileHeader(upload_id=upload_id, path="a", size_bytes=len(content))
            await call.write(pb.UploadFileRequest(header=header))
            await call.write(pb.UploadFileRequest(data=content[:1_000_000]))
            async with health_of(server) as health:
                begun = begin_drain(server)
                await health.read()
            await call.write(pb.UploadFileRequest(data=content[1_000_000:]))
            await call.done_writing()
            with refused(DRAINING):
                await call
            assert server.wait() == 0
    assert time.monotonic() - begun < PROMPT_SECONDS
    assert problems_in(data) == []

    with forked_server(data) as server:
        async with stub_client(server.address) as client:
            assert (await client.begin("again")).upload_id == upload_id
            await client.upload_file(upload_id, "b", content)
            ref = (await client.commit(upload_id, {"b": content})).version.ref
            assert await client.download(ref) == {"b": content}


async def test_a_commit_in_hand_is_finished(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    names = {f"{n:05}": b"%d" % n for n in range(5000)}
    with forked_server(data, *PATIENCE) as server:
        async with stub_client(server.address, promises) as client:
            upload_id = await client.create()
            await client.put(upload_id, list(names.values()))
            request = pb.StageFilesRequest(upload_id=upload_id, seq=1)
            for name, content in names.items():
                operation = request.operations.add()
                operation.put.path, operation.put.size_bytes = name, len(content)
                operation.put.content_digest = digest_of(content)
            await client.stub.StageFiles(request)
            commit = client.stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
            await commit.wait_for_connection()
            await client.versions()  # the commit was sent before this, and so arrived before it
            begin_drain(server)
            promises.versions[(await commit).version.ref] = names
            assert server.wait() == 0
    await require_promises_after_restart(data, promises)


async def test_a_download_in_hand_is_finished(tmp_path: Path) -> None:
    files = random_files(22, *[1_500_000] * 10)
    with forked_server(tmp_path / "data", *PATIENCE) as server:
        async with stub_client(server.address) as client:
            await client.upload(files)
            call = client.stub.Download(pb.DownloadRequest(ref=f"{NAME}:v0"))
            received = 0
            async for frame in call:
                if not received:
                    server.process.terminate()
                received += len(frame.payload)
            assert received == 15_000_000
        assert server.wait() == 0


async def test_a_reader_that_never_ends_is_cut_off_after_the_drain(tmp_path: Path) -> None:
    files = random_files(23, *[1_500_000] * 20)
    with forked_server(tmp_path / "data", "--drain-seconds", "0.3") as server:
        async with stub_client(server.address) as client:
            await client.upload(files)
            call = client.stub.Download(pb.DownloadRequest(ref=f"{NAME}:v0"))
            await call.read()
            server.process.terminate()
            assert server.wait() == 0
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await read_all(call)
            assert caught.value.code() in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.CANCELLED,
            )


async def test_a_commit_that_outlives_the_drain_does_not_hold_the_process(tmp_path: Path) -> None:
    data = tmp_path / "data"
    names = [f"{n:05}" for n in range(10_000)]
    with forked_server(data, "--drain-seconds", "0") as server:
        async with stub_client(server.address) as client:
            upload_id = await client.create()
            await client.put(upload_id, [b"x"])
            for seq in range(1, 6):
                request = pb.StageFilesRequest(upload_id=upload_id, seq=seq)
                for name in names:
                    operation = request.operations.add()
                    operation.put.path, operation.put.size_bytes = f"{seq}/{name}", 1
                    operation.put.content_digest = digest_of(b"x")
                await client.stub.StageFiles(request)
            commit = client.stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
            await client.versions()
            begun = begin_drain(server)
            assert server.wait() == 0
            assert time.monotonic() - begun < PROMPT_SECONDS
            commit.cancel()
    assert problems_in(data) == []

    with forked_server(data) as server:
        async with stub_client(server.address) as client:
            again = await client.stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
            assert again.version.file_count == 50_000


async def test_health_says_not_serving_while_it_drains(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data", *PATIENCE) as server:
        async with health_of(server) as health:
            server.process.terminate()
            told = await health.read()
        assert server.wait() == 0
    assert told == health_pb2.HealthCheckResponse(status=NOT_SERVING)
