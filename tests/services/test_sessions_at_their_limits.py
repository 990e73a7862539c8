"""Sessions that a shared server cannot show: slow files, and as many uploads as there may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from hydria.v1 import artifact_pb2 as pb
from hydria_server.services.file_uploads import FileHeader, FileTrailer
from hydria_server.settings import Settings
from hydria_server.storage.packs.memory import MemoryDisk, MemoryPackStore
from tests.clocks import ManualClock
from tests.refusals import refused
from tests.servers import Server, memory_server
from tests.teams import Team

DAY_SECONDS = 24 * 3600


async def test_a_file_that_takes_longer_than_the_lease_keeps_it_alive() -> None:
    clock = ManualClock()
    async with memory_server(clock=clock) as server:
        team = Team.new(server)
        upload_id = await team.begin()

        async def slowly() -> AsyncIterator[bytes | FileTrailer]:
            for byte in (b"a", b"b", b"c"):
                clock.advance(DAY_SECONDS * 0.6)
                assert await server.services.sessions.expire_due() == 0
                yield byte

        header = FileHeader(upload_id, "slow", 3, b"", "")
        await server.services.file_uploads.upload(header, slowly())
        await team.commit(upload_id)
        assert await team.contents() == {"slow": b"abc"}


async def test_a_file_whose_upload_ended_meanwhile_is_not_staged() -> None:
    async with memory_server() as server:
        team = Team.new(server)
        upload_id = await team.begin()
        call = server.stub.UploadFile()
        header = pb.UploadFileHeader(upload_id=upload_id, path="late", size_bytes=1)
        await call.write(pb.UploadFileRequest(header=header))
        await call.write(pb.UploadFileRequest(data=b"x"))
        await team.abort(upload_id)
        await call.done_writing()
        with refused("UPLOAD_NOT_OPEN"):
            await call


async def test_an_entity_has_as_many_open_uploads_as_it_may_have() -> None:
    settings = Settings(data=Path("unused"), listen="127.0.0.1:0", open_uploads_max=3)
    async with memory_server(settings=settings) as server:
        team, other = Team.new(server), Team.new(server)
        uploads = [await team.begin(request_id=f"{at}") for at in range(3)]
        with refused("TOO_MANY_UPLOADS"):
            await team.begin()
        assert await team.begin(request_id="1") == uploads[1], "a replay begins nothing"
        await other.begin()
        await team.abort(uploads[0])
        await team.begin()
        await team.commit(uploads[1])
        await team.begin()


async def test_small_versions_that_end_free_their_place() -> None:
    settings = Settings(data=Path("unused"), listen="127.0.0.1:0", open_uploads_max=1)
    async with memory_server(settings=settings) as server:
        team = Team.new(server)
        await one_after_the_other(server, team)


async def one_after_the_other(server: Server, team: Team) -> None:
    for at in range(3):
        await team.log({"a": bytes([at])})
        with refused("PATH_CONFLICT"):
            await team.log({"a": b"", "a/b": b""})
    assert await team.numbers() == ["v2", "v1", "v0"]
    assert server.services.budget.used_bytes == 0


async def test_what_was_done_is_answered_again_though_the_disk_is_full() -> None:
    disk = MemoryDisk()
    async with memory_server(packs=MemoryPackStore(disk)) as server:
        team = Team.new(server)
        request = pb.PutVersionRequest(
            entity=team.name, project="p", collection="c", type="t", request_id="done"
        )
        first = await server.stub.PutVersion(request)
        upload_id = await team.begin(request_id="begun")
        committed = await team.begin()
        version = (await team.commit(committed)).version
        copy = pb.CopyVersionRequest(
            source_ref=version.ref, entity=team.name, project="p", collection="d", request_id="copy"
        )
        copied = await server.stub.CopyVersion(copy)
        disk.capacity_bytes = disk.stored_bytes
        with refused("STORAGE_FULL"):
            await team.begin()
        assert await server.stub.PutVersion(request) == first
        assert await server.stub.CopyVersion(copy) == copied
        copy.request_id = "another copy"
        with refused("STORAGE_FULL"):
            await server.stub.CopyVersion(copy)
        assert await team.begin(request_id="begun") == upload_id
        assert (await team.commit(committed)).version == version
