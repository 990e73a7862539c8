"""What is on this machine is not fetched again, and never taken for what it is not."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.download import assembling
from hydria.download.chunk_lists import ChunkLists
from hydria.download.frames import Wanted
from hydria.records import Phase, Progress
from hydria.scanned_files import ScannedFile
from hydria.threads import Stop
from tests.client.lines import Line
from tests.client.trees import MIB, content, plant, tree_of

BIG = content(8 * MIB, 1)
CHANGED = BIG[: 4 * MIB] + content(1000, 2) + BIG[4 * MIB + 1000 :]
LONGER = BIG[: 3 * MIB] + content(700, 3) + BIG[3 * MIB :]
# A change lies in one or two chunks of at most 2 MiB.
LITTLE = 4 * MIB


@pytest.fixture
async def old(client: AsyncClient, tmp_path: Path) -> Path:
    """Return a directory with a download of a first version, `calls:v0`."""
    source = plant(tmp_path / "source", {"big.bin": BIG, "same": b"same"})
    await client.log("calls", source, type="dataset")
    await client.download("calls:v0", tmp_path / "copy")
    return tmp_path / "copy"


async def log_next(client: AsyncClient, tmp_path: Path, files: dict[str, bytes]) -> None:
    source = plant(tmp_path / "next", files)
    await client.log("calls", source)
    shutil.rmtree(source)


def without_rooms(root: Path) -> dict[str, bytes]:
    tree = tree_of(root)
    assert not [path for path in tree if ".hydria" in path]
    return tree


def restore_times(file: Path, status: os.stat_result) -> None:
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("new", [CHANGED, LONGER, BIG[: 5 * MIB], BIG + BIG])
async def test_of_a_changed_file_only_new_chunks_come(
    client: AsyncClient, old: Path, tmp_path: Path, new: bytes
) -> None:
    await log_next(client, tmp_path, {"big.bin": new})

    result = await client.download("calls:v1", old)

    assert 0 < result.received_bytes <= LITTLE
    assert result.size_bytes == len(new)
    assert without_rooms(old) == {"big.bin": new, "same": b"same"}


async def test_a_renamed_file_is_not_fetched(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    await log_next(client, tmp_path, {"deep/other.bin": BIG, "deep/changed": CHANGED})

    result = await client.download("calls:v1", old)

    assert result.received_bytes <= LITTLE
    assert without_rooms(old)["deep/other.bin"] == BIG
    assert without_rooms(old)["deep/changed"] == CHANGED


async def test_a_directory_beside_serves_as_well(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    await log_next(client, tmp_path, {"big.bin": LONGER, "twin": LONGER})

    result = await client.download("calls:v1", tmp_path / "new", beside=[tmp_path / "source", old])

    assert 0 < result.received_bytes <= LITTLE
    assert without_rooms(tmp_path / "new") == {"big.bin": LONGER, "twin": LONGER}
    assert tree_of(old) == {"big.bin": BIG, "same": b"same"}


async def test_a_directory_beside_that_is_none_is_an_error(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    for wrong in (tmp_path / "nowhere", old / "same"):
        with pytest.raises(OSError, match=wrong.name):
            await client.download("calls:v0", tmp_path / "new", beside=[wrong])


@pytest.mark.parametrize("name", ["big.bin", "moved by hand"])
async def test_a_file_that_nobody_remembers_is_cut_again(
    client: AsyncClient, old: Path, tmp_path: Path, name: str
) -> None:
    await log_next(client, tmp_path, {"big.bin": CHANGED})
    shutil.rmtree(tmp_path / "cache")
    (old / "big.bin").rename(old / name)

    result = await client.download("calls:v1", old)

    assert 0 < result.received_bytes <= LITTLE
    assert without_rooms(old)["big.bin"] == CHANGED


async def test_small_files_that_are_known_are_copied(client: AsyncClient, tmp_path: Path) -> None:
    files = {str(number): content(80_000, number) for number in range(20)}
    await client.log("calls", plant(tmp_path / "source", files), type="dataset")
    await client.download("calls", tmp_path / "copy")
    renamed = {f"to/{path}": data for path, data in files.items()}
    await log_next(client, tmp_path, renamed)

    result = await client.download("calls:v1", tmp_path / "copy")

    assert result.received_bytes == 0
    assert without_rooms(tmp_path / "copy") == files | renamed


async def test_what_local_files_were_said_to_hold_is_never_believed(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    """The file was changed behind the back of all its times."""
    await log_next(client, tmp_path, {"big.bin": CHANGED, "twin": BIG})
    status = (old / "big.bin").stat()
    (old / "big.bin").write_bytes(bytes(len(BIG)))
    restore_times(old / "big.bin", status)

    result = await client.download("calls:v1", old)

    assert result.received_bytes >= len(BIG)
    assert without_rooms(old)["big.bin"] == CHANGED
    assert without_rooms(old)["twin"] == BIG


async def test_a_file_in_place_is_read_before_it_is_said_to_be_right(
    client: AsyncClient, old: Path
) -> None:
    status = (old / "big.bin").stat()
    (old / "big.bin").write_bytes(CHANGED)
    restore_times(old / "big.bin", status)

    await client.download("calls:v0", old)

    assert without_rooms(old)["big.bin"] == BIG


async def test_the_same_chunk_many_times_is_fetched_once(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    new = BIG + bytes(8 * MIB)
    await log_next(client, tmp_path, {"big.bin": new})

    result = await client.download("calls:v1", old)

    assert result.received_bytes <= 3 * LITTLE
    assert without_rooms(old)["big.bin"] == new


async def test_links_below_the_root_are_no_place_to_look_in(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    await log_next(client, tmp_path, {"twin": BIG})
    (tmp_path / "new").mkdir()
    (tmp_path / "new/to the file").symlink_to(old / "big.bin")
    (tmp_path / "new/to the directory").symlink_to(old)

    result = await client.download("calls:v1", tmp_path / "new")

    assert result.received_bytes == len(BIG)


async def test_a_broken_line_costs_only_what_was_on_its_way(
    client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    new = BIG[: 4 * MIB] + content(12 * MIB, 9)
    client = client_on_line
    await client.log("calls", plant(tmp_path / "source", {"big.bin": BIG}), type="dataset")
    await client.download("calls", tmp_path / "copy")
    await log_next(client, tmp_path, {"big.bin": new})
    line.cut_after_received_bytes += [100_000, 5 * MIB, 2 * MIB]

    result = await client.download("calls:v1", tmp_path / "copy")

    assert line.cuts == 3
    assert result.received_bytes <= 15 * MIB
    assert without_rooms(tmp_path / "copy")["big.bin"] == new


@pytest.mark.parametrize("writes", [0, 3], ids=["for what is fetched", "for what is here"])
async def test_a_full_disk_leaves_the_old_file(
    client: AsyncClient, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    await log_next(client, tmp_path, {"big.bin": CHANGED})
    write_at, left = assembling._write_at, iter(range(writes))

    def write_until_full(fd: int, data: memoryview, offset: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_at(fd, data, offset)

    monkeypatch.setattr(assembling, "_write_at", write_until_full)
    monkeypatch.setattr(assembling, "share_range", lambda *_: False)
    with pytest.raises(OSError, match="space"):
        await client.download("calls:v1", old)

    assert without_rooms(old) == {"big.bin": BIG, "same": b"same"}


async def test_a_disk_without_room_for_the_file_leaves_the_old_one(
    client: AsyncClient, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(fd: int, size_bytes: int) -> None:
        assert size_bytes == len(CHANGED)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    await log_next(client, tmp_path, {"big.bin": CHANGED})
    monkeypatch.setattr(assembling, "reserve", no_room)
    monkeypatch.setattr(assembling, "share_range", lambda *_: False)
    with pytest.raises(OSError, match="space"):
        await client.download("calls:v1", old)

    assert without_rooms(old) == {"big.bin": BIG, "same": b"same"}


@pytest.mark.parametrize("how", ["shorter", "gone"])
async def test_a_source_that_is_lost_meanwhile_is_fetched(
    client: AsyncClient, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await log_next(client, tmp_path, {"big.bin": CHANGED})
    finish = assembling.Assembly.finish

    def lose_and_finish(self: assembling.Assembly, stop: Stop) -> bool:
        if how == "shorter":
            os.truncate(old / "big.bin", 3 * MIB)
        else:
            (old / "big.bin").unlink()
        return finish(self, stop)

    monkeypatch.setattr(assembling.Assembly, "finish", lose_and_finish)
    await client.download("calls:v1", old)

    assert without_rooms(old)["big.bin"] == CHANGED


async def test_a_cancelled_delta_leaves_the_old_file(
    client: AsyncClient, old: Path, tmp_path: Path
) -> None:
    await log_next(client, tmp_path, {"big.bin": CHANGED})
    task: asyncio.Task[object]

    def cancel(progress: Progress) -> None:
        if progress.phase is Phase.DOWNLOAD:
            task.cancel()

    task = asyncio.create_task(client.download("calls:v1", old, progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert without_rooms(old) == {"big.bin": BIG, "same": b"same"}


async def test_a_list_of_chunks_that_lies_is_found_out(
    client: AsyncClient, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two chunks changed places in it."""
    await log_next(client, tmp_path, {"big.bin": CHANGED})
    read = ChunkLists.read

    async def read_swapped(self: ChunkLists, files: Sequence[Wanted]) -> list[ScannedFile]:
        (listed,) = await read(self, files)
        digests, (first, second, *sizes) = listed.chunk_digests, listed.chunk_sizes
        swapped = digests[32:64] + digests[:32] + digests[64:]
        return [ScannedFile(listed.content_digest, swapped, (second, first, *sizes))]

    monkeypatch.setattr(ChunkLists, "read", read_swapped)
    await client.download("calls:v1", old)

    assert without_rooms(old)["big.bin"] == CHANGED
