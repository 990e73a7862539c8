"""One version by several processes: in any order, with crashes and replays; one commits."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hydria import errors
from hydria.client import AsyncClient
from tests.client.trees import content, plant, tree_of
from tests.servers import Server, server_process

WRITING = """
import sys, hydria
address, upload_id, writer_id, folder, cache = sys.argv[1:]
with hydria.Client(address, project="birds", cache_dir=cache) as client:
    with client.join(upload_id, writer_id) as writer:
        writer.add_dir(folder + "/first", "first")
        writer.flush()
        print("half", flush=True)
        if writer_id == "crashes":
            sys.stdin.read()  # until it is killed
        writer.add_dir(folder + "/second", "second")
        writer.finish()
"""


def start(address: str, upload_id: str, writer_id: str, folder: Path) -> subprocess.Popen[str]:
    """Start a process that writes the files below `folder`."""
    cache = folder.parent / f"cache-{folder.name}"
    return subprocess.Popen(
        [sys.executable, "-c", WRITING, address, upload_id, writer_id, str(folder), str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_processes_fill_one_version_and_one_of_them_dies_in_the_middle(
    tmp_path: Path,
) -> None:
    ranks = ("crashes", "rank-1", "rank-2")
    trees = {
        rank: {
            f"{half}/{rank}/{at}": content(200_000 + at, at)
            for half in ("first", "second")
            for at in range(5)
        }
        for rank in ranks
    }
    folders = {rank: plant(tmp_path / rank, tree) for rank, tree in trees.items()}
    with server_process(tmp_path / "data") as server:
        async with AsyncClient(
            server.address, project="birds", cache_dir=tmp_path / "cache"
        ) as client:
            upload = await client.create_upload("calls", type="dataset")
            processes = {
                rank: start(server.address, upload.upload_id, rank, folders[rank]) for rank in ranks
            }
            dying = processes["crashes"]
            assert dying.stdout is not None
            assert await asyncio.to_thread(dying.stdout.readline) == "half\n"
            dying.kill()
            for process in processes.values():
                await asyncio.to_thread(process.communicate)
            assert dying.returncode == -signal.SIGKILL
            assert [processes[rank].returncode for rank in ranks[1:]] == [0, 0]

            with pytest.raises(errors.WritersUnfinishedError) as caught:
                await upload.commit(writers=ranks)
            assert caught.value.details["writers"] == "crashes"

            async with await client.join(upload.upload_id, "crashes") as successor:
                await successor.add_dir(folders["crashes"])
                await successor.finish()
            assert all(writer.is_finished for writer in (await upload.status()).writers)
            result = await upload.commit(writers=ranks, aliases=["whole"])
            await client.download("calls:whole", tmp_path / "copy")
    assert result.created
    together = {path: data for tree in trees.values() for path, data in tree.items()}
    assert tree_of(tmp_path / "copy") == together


async def test_what_a_writer_that_stopped_has_sent_is_not_sent_again(client: AsyncClient) -> None:
    upload = await client.create_upload("calls", type="dataset")
    data = content(300_000, 1)
    async with await client.join(upload.upload_id, "one") as first:
        await first.add_bytes("a", data)
    async with await client.join(upload.upload_id, "one") as again:
        await again.add_bytes("a", data)
        await again.add_bytes("b", b"new")
        await again.finish()
    assert (first.sent_bytes, again.sent_bytes) == (300_000, 3)
    (writer,) = (await upload.status()).writers
    assert (writer.staged_through_seq, writer.operation_count) == (3, 3)
    result = await upload.commit(writers=["one"])
    assert (result.file_count, result.size_bytes) == (2, 300_003)


async def test_a_later_process_of_a_writer_replaces_what_the_earlier_one_put(
    client: AsyncClient,
) -> None:
    upload = await client.create_upload("calls", type="dataset")
    for data in (b"old", b"new"):
        async with await client.join(upload.upload_id, "one") as writer:
            await writer.add_bytes("a", data)
    await upload.commit()
    assert await client.read("calls", "a") == b"new"


async def test_two_writers_who_disagree_fail_the_commit_and_the_upload_goes_on(
    client: AsyncClient,
) -> None:
    upload = await client.create_upload("calls", type="dataset")
    for writer_id in ("one", "two"):
        async with await client.join(upload.upload_id, writer_id) as writer:
            await writer.add_bytes("same", b"same")
            await writer.add_bytes("a", writer_id.encode())
    with pytest.raises(errors.DuplicatePathError):
        await upload.commit()
    async with await client.join(upload.upload_id, "two") as writer:
        await writer.add_bytes("a", b"one")
    assert (await upload.commit()).file_count == 2


async def test_two_processes_under_one_writer_id_are_told_before_anything_is_lost(
    client: AsyncClient,
) -> None:
    upload = await client.create_upload("calls", type="dataset")
    first = await client.join(upload.upload_id, "one")
    second = await client.join(upload.upload_id, "one")
    await first.add_bytes("a", b"1")
    await first.flush()
    await second.add_bytes("b", b"2")
    with pytest.raises(errors.WriterConflictError):
        await second.flush()
    await first.finish()
    with pytest.raises(errors.UploadNotOpenError):
        await first.add_bytes("c", b"3")


async def test_all_who_ask_by_one_request_id_get_one_upload(client: AsyncClient) -> None:
    uploads = [
        await client.create_upload("calls", type="dataset", request_id="job-17") for _ in range(3)
    ]
    assert len({upload.upload_id for upload in uploads}) == 1
    with pytest.raises(errors.InvalidArgumentError):
        await client.create_upload("other", type="dataset", request_id="job-17")


async def test_writers_change_a_base_together(client: AsyncClient) -> None:
    async with client.draft("calls", type="dataset") as draft:
        for path in ("keep", "data/x", "data/y", "gone"):
            await draft.add_bytes(path, path.encode())
        await draft.commit()
    upload = await client.create_upload("calls", base="calls")
    async with await client.join(upload.upload_id, "one") as one:
        await one.remove("gone")
        await one.add_bytes("data/x", b"put")
    async with await client.join(upload.upload_id, "two") as two:
        await two.remove_prefix("data/")
    await upload.commit()
    assert [file.path async for file in client.files("calls")] == ["data/x", "keep"]


async def test_nobody_joins_an_upload_that_is_over(client: AsyncClient, server: Server) -> None:
    upload = await client.create_upload("calls", type="dataset")
    await upload.abort()
    await upload.abort()
    assert (await upload.status()).state == "ABORTED"
    with pytest.raises(errors.UploadNotOpenError):
        await client.join(upload.upload_id, "one")
    with pytest.raises(errors.UploadNotFoundError):
        await client.join("nothing", "one")


async def test_a_block_that_fails_stages_nothing_more(client: AsyncClient) -> None:
    upload = await client.create_upload("calls", type="dataset")

    async def fail() -> None:
        async with await client.join(upload.upload_id, "one") as writer:
            await writer.add_bytes("a", b"1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await upload.status()).writers == ()
