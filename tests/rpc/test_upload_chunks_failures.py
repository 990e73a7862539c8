"""UploadChunks when the whole stream must fail: told in-band, with the true status, at no cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from hydria_server.rpc import chunk_stream, incoming
from hydria_server.rpc.chunk_stream import ChunkStream
from hydria_server.rpc.drain import Drain
from hydria_server.rpc.hot_messages import ReceivedChunks
from hydria_server.storage.packs.memory import MemoryDisk, MemoryPackStore
from tests.refusals import refused
from tests.servers import Server, memory_server, settings_for_tests
from tests.teams import Team, batch

CHUNK = b"0123456789" * 10_000


@dataclass(frozen=True, slots=True)
class Rig:
    """A server, its disk to do harm to, and a team with an open upload."""

    server: Server
    disk: MemoryDisk
    team: Team
    upload_id: str


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    disk = MemoryDisk()
    async with memory_server(packs=MemoryPackStore(disk)) as server:
        team = Team.new(server)
        yield Rig(server, disk, team, await team.begin())


class Writer:
    """A client that writes batches until it reads `fatal`, as the contract asks it to."""

    def __init__(self, rig: Rig, *, pause_seconds: float = 0.0) -> None:
        self._rig = rig
        self._pause_seconds = pause_seconds
        self._told = asyncio.Event()
        self.fatal: types_pb2.Error | None = None
        self.written = 0

    async def run(self) -> None:
        """Write and read at once; raise what the call ends with."""
        call = self._rig.server.stub.UploadChunks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(call))
            tasks.create_task(self._read(call))
        await _raise_status(call)

    async def _write(
        self, call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse]
    ) -> None:
        header = pb.UploadChunksHeader(upload_id=self._rig.upload_id)
        await call.write(pb.UploadChunksRequest(header=header))
        while not self._told.is_set():
            self.written += 1
            chunk = self.written.to_bytes(4, "big") + CHUNK
            await call.write(pb.UploadChunksRequest(batch=batch(chunk, seq=self.written)))
            await asyncio.sleep(self._pause_seconds)
        await call.done_writing()

    async def _read(
        self, call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse]
    ) -> None:
        try:
            async for response in call:
                if response.HasField("fatal"):
                    self.fatal = response.fatal
                    self._told.set()
        except grpc.aio.AioRpcError:
            assert self._told.is_set(), "the call ended before `fatal` was sent"


async def _raise_status(
    call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse],
) -> None:
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(
            code,
            await call.initial_metadata(),
            await call.trailing_metadata(),
            await call.details(),
        )


@pytest.mark.parametrize("pause_seconds", [0.0, 0.002])
async def test_a_client_that_is_writing_sees_the_true_status_every_time(
    rig: Rig, pause_seconds: float
) -> None:
    rig.disk.syncs_fail = True
    for _ in range(20):
        writer = Writer(rig, pause_seconds=pause_seconds)
        with refused("STORAGE_UNAVAILABLE"):
            await writer.run()
        assert writer.fatal is not None
        assert writer.fatal.reason == "STORAGE_UNAVAILABLE"
        assert writer.fatal.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert rig.server.services.budget.used_bytes == 0


async def test_a_full_disk_is_told_in_band_and_the_stream_may_begin_again_when_there_is_room(
    rig: Rig,
) -> None:
    rig.disk.capacity_bytes = rig.disk.stored_bytes + 3 * len(CHUNK)
    writer = Writer(rig)
    with refused("STORAGE_FULL"):
        await writer.run()
    assert rig.server.services.budget.used_bytes == 0
    rig.disk.capacity_bytes = 1 << 40
    sent = await rig.team.send(rig.upload_id, CHUNK)
    assert not sent.errors


async def test_after_a_failure_the_server_reads_on_until_the_half_close(rig: Rig) -> None:
    rig.disk.syncs_fail = True
    call = rig.server.stub.UploadChunks()
    await call.write(pb.UploadChunksRequest(header=pb.UploadChunksHeader(upload_id=rig.upload_id)))
    await call.write(pb.UploadChunksRequest(batch=batch(CHUNK, seq=1)))
    while not (await read(call)).HasField("fatal"):
        pass
    for seq in range(2, 20):
        await call.write(pb.UploadChunksRequest(batch=batch(CHUNK, seq=seq)))
        assert not call.done(), "the call ended while the client was writing"
    await call.done_writing()
    with refused("STORAGE_UNAVAILABLE"):
        await read(call)


async def test_a_client_that_stalls_is_told_so_and_holds_nothing() -> None:
    # Long enough for a busy machine to store the batch that came before the silence.
    async with memory_server(settings=settings_for_tests(stall_timeout_seconds=1.0)) as server:
        team = Team.new(server)
        upload_id = await team.begin()
        call = server.stub.UploadChunks()
        await call.write(pb.UploadChunksRequest(header=pb.UploadChunksHeader(upload_id=upload_id)))
        await call.write(pb.UploadChunksRequest(batch=batch(CHUNK, seq=1)))
        response = await read(call)
        while not response.HasField("fatal"):
            response = await read(call)
        assert response.fatal.reason == "STREAM_STALLED"
        assert response.durable_through_seq == 1
        await call.done_writing()
        with refused("STREAM_STALLED"):
            await read(call)
        assert server.services.budget.used_bytes == 0


async def test_who_reads_no_refusals_is_not_listened_to_for_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9: refusals wait in memory until they are read, so only so many may wait."""
    for limit in ("_ERRORS_TOLD", "_ERRORS_WAITING"):
        monkeypatch.setattr(chunk_stream, limit, getattr(chunk_stream, limit) // 10)
    wrong = types_pb2.ChunkBatch(sizes=[1] * 1000, digests=bytes(32_000), payload=bytes(1000))
    reading = asyncio.Event()
    several = asyncio.Event()
    pulled = 0

    async def requests() -> AsyncIterator[ReceivedChunks]:
        nonlocal pulled
        header = pb.UploadChunksHeader(upload_id=rig.upload_id)
        yield ReceivedChunks(pb.UploadChunksRequest(header=header), b"")
        for wrong.seq in range(1, 13):
            pulled += 1
            assert pulled <= 4 or reading.is_set(), "it goes on listening"
            if pulled == 3:
                several.set()
            yield ReceivedChunks(pb.UploadChunksRequest(batch=wrong), wrong.payload)

    incoming_ = incoming.Incoming(requests(), Drain(), stall_timeout_seconds=60)
    responses = ChunkStream(rig.server.services, incoming_).responses()
    found = len((await anext(responses)).errors)
    await several.wait()
    for _ in range(10):  # time enough to listen to them all
        await rig.team.upload_of(rig.upload_id)
    reading.set()
    async for response in responses:
        assert response.ByteSize() < (1 << 20) / 10
        found += len(response.errors)
    assert found == 12_000


async def test_a_file_that_stalls_is_told_so_at_once_and_is_not_staged() -> None:
    async with memory_server(settings=settings_for_tests(stall_timeout_seconds=0.1)) as server:
        team = Team.new(server)
        upload_id = await team.begin()
        call = server.stub.UploadFile()
        header = pb.UploadFileHeader(upload_id=upload_id, path="a", size_bytes=2)
        await call.write(pb.UploadFileRequest(header=header))
        await call.write(pb.UploadFileRequest(data=b"x"))
        async with asyncio.timeout(incoming.DISCARD_SECONDS / 2):
            with refused("STREAM_STALLED"):
                await call
        await team.commit(upload_id)
        assert await team.paths() == []
        assert server.services.file_budget.used_bytes == 0


async def read(
    call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse],
) -> pb.UploadChunksResponse:
    """Return the next response; raise what the call ends with."""
    response = await call.read()
    if isinstance(response, pb.UploadChunksResponse):
        return response
    await _raise_status(call)
    raise AssertionError("the call ended without an error")
