"""A disk that fails: writes end, reads go on, the process ends with an error, nothing is lost."""

from __future__ import annotations

import errno
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from tests.faults.checker import problems_in
from tests.faults.forked_servers import ForkedServer, forked_server
from tests.faults.stub_client import (
    NAME,
    Promises,
    StubClient,
    all_chunks,
    batch_of,
    random_files,
    stub_client,
)
from tests.refusals import refused
from tests.servers import memory_server
from tests.storage.disk_pack_rig import WatchedDisk

FILES = random_files(4, 2_600_000, 700, 0)
MORE = random_files(5, 900_000, 300)
REF = f"{NAME}:v0"
UNWRITABLE = "STORAGE_UNAVAILABLE"
FULL = "STORAGE_FULL"


@asynccontextmanager
async def served_on(disk: WatchedDisk, data: Path) -> AsyncIterator[StubClient]:
    packs = await DiskPackStore.open(data / "packs", reserve_bytes=0, calls=disk.calls())
    metadata = await SqlMetadataStore.open(data / "meta.db")
    async with memory_server(packs=packs, metadata=metadata) as server:
        yield StubClient(server.channel, Promises())


async def stream_until_fatal(client: StubClient, upload_id: str, chunks: list[bytes]) -> str:
    """Send chunks as a client must: read what comes, half-close on `fatal`; return its reason."""
    call = client.stub.UploadChunks(timeout=20)
    header = pb.UploadChunksHeader(upload_id=upload_id)
    await call.write(pb.UploadChunksRequest(header=header))
    for seq, chunk in enumerate(chunks, 1):
        await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], seq)))
    reason = ""
    while not reason:
        response = await call.read()
        assert isinstance(response, pb.UploadChunksResponse)
        reason = response.fatal.reason
    await call.done_writing()
    # What was on its way comes before the end of the call does.
    with refused(reason):
        await read_to_the_end(call)
    return reason


async def read_to_the_end(
    call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse],
) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


# --- a sync that fails ---------------------------------------------------------------------------


async def test_after_a_failed_sync_nothing_is_taken_and_everything_is_served(
    tmp_path: Path,
) -> None:
    disk = WatchedDisk()
    async with served_on(disk, tmp_path) as client:
        await client.upload(FILES)
        upload_id = await client.create()
        disk.sync_error = errno.EIO
        with refused(UNWRITABLE):
            await client.put(upload_id, all_chunks(MORE))
        disk.sync_error = None

        with refused(UNWRITABLE):
            await client.put(upload_id, all_chunks(MORE))
        with refused(UNWRITABLE):
            await client.upload_file(upload_id, "more", MORE["d0/f0.bin"])
        with refused(UNWRITABLE):
            await client.stage(upload_id, FILES)
        assert await stream_until_fatal(client, upload_id, all_chunks(MORE)) == UNWRITABLE
        assert await client.download(REF) == FILES
        assert await client.missing(upload_id, all_chunks(FILES)) == []
        assert await client.missing(upload_id, all_chunks(MORE)) == all_chunks(MORE)
    assert problems_in(tmp_path) == []


async def test_what_waits_for_a_sync_that_fails_is_not_acknowledged(tmp_path: Path) -> None:
    disk = WatchedDisk()
    async with served_on(disk, tmp_path) as client:
        upload_id = await client.create()
        chunks = all_chunks(FILES)
        syncs_left = 3

        def fail_later() -> None:
            nonlocal syncs_left
            syncs_left -= 1
            disk.sync_error = errno.EIO if syncs_left < 0 else None

        disk.before_sync = fail_later
        with pytest.raises((grpc.aio.AioRpcError, AssertionError)):
            await client.send(upload_id, chunks)

        assert client.promises.durable_chunks == chunks[:3]
        missing = await client.missing(upload_id, chunks)
        assert missing == chunks[3:]
    assert problems_in(tmp_path) == []


@pytest.mark.parametrize("failing", range(6))
async def test_an_append_without_room_fails_one_upload_and_no_other(
    tmp_path: Path, failing: int
) -> None:
    disk = WatchedDisk()
    async with served_on(disk, tmp_path) as client:
        upload_id = await client.create()
        disk.write_errors = iter([*[None] * failing, errno.ENOSPC])
        with refused(FULL):
            for chunk in all_chunks(FILES):
                await client.put(upload_id, [chunk])
            await client.stage(upload_id, FILES)
            await client.commit(upload_id, FILES)

        promised = client.promises.durable_chunks
        missing = await client.missing(upload_id, all_chunks(FILES))
        assert not set(promised) & set(missing)
        for chunk in missing:
            await client.put(upload_id, [chunk])
        await client.stage(upload_id, FILES)
        assert (await client.commit(upload_id, FILES)).version.ref == REF
        assert await client.download(REF) == FILES
    assert problems_in(tmp_path) == []


async def test_a_stream_without_room_says_so_in_band(tmp_path: Path) -> None:
    disk = WatchedDisk()
    async with served_on(disk, tmp_path) as client:
        upload_id = await client.create()
        disk.write_errors = iter([None, errno.ENOSPC])

        assert await stream_until_fatal(client, upload_id, all_chunks(FILES)) == FULL


async def test_a_version_without_room_can_be_put_again_with_the_same_request_id(
    tmp_path: Path,
) -> None:
    disk = WatchedDisk()
    request = pb.PutVersionRequest(
        entity="team", project="plant", collection="data", type="dataset", request_id="once"
    )
    request.files.add(path="a", content=b"content")
    async with served_on(disk, tmp_path) as client:
        disk.write_errors = iter([errno.ENOSPC])
        with refused(FULL):
            await client.stub.PutVersion(request)

        first = await client.stub.PutVersion(request)
        again = await client.stub.PutVersion(request)

    assert (first.version.ref, first.created) == (REF, True)
    assert again == first


# --- the process ---------------------------------------------------------------------------------


def let_files_grow_to(server: ForkedServer, size_bytes: int) -> None:
    """Let every write beyond `size_bytes` of any file fail, with an error that is not ENOSPC."""
    assert server.process.pid is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


async def test_a_server_whose_packs_cannot_be_written_ends_with_an_error(tmp_path: Path) -> None:
    data = tmp_path / "data"
    promises = Promises()
    with forked_server(data, "--drain-seconds", "1") as server:
        async with stub_client(server.address, promises) as client:
            await client.upload(FILES)
            upload_id = await client.create()
            let_files_grow_to(server, 2_000_000)
            with refused(UNWRITABLE):
                await client.put(upload_id, all_chunks(MORE))
            assert server.wait() == 1
    assert "takes no more writes" in server.log.read_text()
    assert problems_in(data) == []

    with forked_server(data) as server:
        async with stub_client(server.address, promises) as client:
            assert await client.missing(upload_id, promises.durable_chunks) == []
            assert await client.download(REF) == FILES
            await client.upload(MORE)


async def test_a_server_whose_database_cannot_be_written_ends_with_an_error(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    promises = Promises()
    with forked_server(data, "--drain-seconds", "1") as server:
        async with stub_client(server.address, promises) as client:
            await client.upload(MORE)
            let_files_grow_to(server, 0)
            with refused(UNWRITABLE):
                await client.create()
            assert server.wait() == 1
    assert problems_in(data) == []

    with forked_server(data) as server:
        async with stub_client(server.address, promises) as client:
            assert await client.missing(await client.create(), promises.durable_chunks) == []
            assert await client.download(REF) == MORE
            await client.upload(FILES)


async def test_damage_is_data_loss_also_where_it_cannot_be_noted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as server:
        async with stub_client(server.address) as client:
            await client.upload(MORE)
    (pack,) = data.rglob("*.pack")
    content = bytearray(pack.read_bytes())
    content[content.index(MORE["d1/f1.bin"])] ^= 1
    pack.write_bytes(content)

    with forked_server(data, "--drain-seconds", "1") as server:
        async with stub_client(server.address) as client:
            let_files_grow_to(server, 0)
            with refused("CHUNK_CORRUPT"):
                await client.download(REF)
