"""A disk that is really full: uploads are refused, nothing is lost, and room makes all well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.disks import fill, small_disk
from tests.faults.checker import problems_in
from tests.faults.forked_servers import forked_server
from tests.faults.stub_client import NAME, Promises, all_chunks, random_files, stub_client
from tests.refusals import refused

DISK_BYTES = 24 * 1024 * 1024
FILES = random_files(11, 2_600_000, 700, 0)
MORE = random_files(12, 2_600_000, 300)
REF = f"{NAME}:v0"
FULL = "STORAGE_FULL"
NO_RESERVE = ("--reserve-bytes", "0", "--drain-seconds", "1")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk as a data directory."""
    with small_disk(tmp_path / "data", size_bytes=DISK_BYTES) as root:
        yield root


async def test_a_full_disk_refuses_uploads_and_loses_nothing(disk: Path) -> None:
    promises = Promises()
    with forked_server(disk, *NO_RESERVE) as server:
        async with stub_client(server.address, promises) as client:
            await client.upload(FILES)
            upload_id = await client.create("resumed")
            ballast = fill(disk, but_bytes=1_500_000)
            with refused(FULL):
                for chunk in all_chunks(MORE):
                    await client.put(upload_id, [chunk])
            assert len(promises.durable_chunks) > len(all_chunks(FILES))
            assert await client.download(REF) == FILES

            ballast.unlink()
            missing = await client.missing(upload_id, all_chunks(MORE))
            assert not set(missing) & set(promises.durable_chunks)
            for chunk in missing:
                await client.put(upload_id, [chunk])
            await client.stage(upload_id, MORE)
            version = (await client.commit(upload_id, MORE)).version
            assert await client.download(version.ref) == MORE
        assert server.terminate() == 0
    assert problems_in(disk) == []


async def test_without_any_room_the_database_says_no_and_reads_go_on(disk: Path) -> None:
    with forked_server(disk, *NO_RESERVE) as server:
        async with stub_client(server.address) as client:
            await client.upload(FILES)
            upload_id = await client.create()
            ballast = fill(disk)
            with refused(FULL):  # what the journal had room for already may still succeed
                for _ in range(200):
                    await client.create()
            with refused(FULL):
                await client.upload_file(upload_id, "more", MORE["d0/f0.bin"])
            assert await client.download(REF) == FILES
            assert await client.versions() == [REF]

            ballast.unlink()
            await client.upload(MORE)
        assert server.terminate() == 0
    assert problems_in(disk) == []


async def test_uploads_are_refused_while_there_is_room_for_the_database(disk: Path) -> None:
    with forked_server(disk, "--reserve-bytes", "8000000") as server:
        async with stub_client(server.address) as client:
            await client.upload(FILES)
            ballast = fill(disk, but_bytes=7_900_000)
            with refused(FULL):
                await client.create()
            assert await client.download(REF) == FILES
            await client.stub.DeleteVersion(pb.DeleteVersionRequest(ref=REF))
            assert await client.versions() == []

            ballast.unlink()
            assert (await client.upload(FILES)).ref == f"{NAME}:v1"


async def test_a_server_killed_on_a_full_disk_comes_back(disk: Path) -> None:
    promises = Promises()
    with forked_server(disk, *NO_RESERVE) as server:
        async with stub_client(server.address, promises) as client:
            await client.upload(FILES)
            ballast = fill(disk)
            with refused(FULL):
                for n in range(200):
                    await client.create(f"request-{n}")
        server.kill()

    with forked_server(disk, *NO_RESERVE) as server:
        async with stub_client(server.address) as client:
            assert await client.download(REF) == FILES
            with refused(FULL):
                await client.upload_file(await client.create(), "more", MORE["d0/f0.bin"])
        assert server.terminate() == 0
    ballast.unlink()

    with forked_server(disk, *NO_RESERVE) as server:
        async with stub_client(server.address, promises) as client:
            assert await client.missing(await client.create(), promises.durable_chunks) == []
            assert await client.download(REF) == FILES
            await client.upload(MORE)
        assert server.terminate() == 0
    assert problems_in(disk) == []


async def test_a_store_cannot_be_made_on_a_full_disk_and_that_is_said(disk: Path) -> None:
    fill(disk)
    with forked_server(disk) as server:
        assert server.address == ""
        assert server.wait() == 1
    assert server.log.read_text().startswith("hydria server: ")
    assert "full" in server.log.read_text() or "No space left" in server.log.read_text()
