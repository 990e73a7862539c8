"""From a version to local files: verified, in place, and nothing else touched."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.download import materializing
from hydria.download.temporary import TemporaryRoom
from hydria.errors import (
    FileNotFoundInVersionError,
    HydriaError,
    InvalidArgumentError,
    PathInvalidError,
    RangeOutOfBoundsError,
    TargetError,
    TypeMismatchError,
)
from hydria.records import Phase, Progress
from tests.client.trees import MIB, SIZES, content, plant, tree_of
from tests.servers import Server, disk_server


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with one version, which nobody serves."""
    root = tmp_path_factory.mktemp("stored")
    asyncio.run(log_to(root))
    return root / "server"


async def log_to(root: Path) -> None:
    async with (
        disk_server(root / "server") as server,
        AsyncClient(
            server.address, entity="team", project="birds", cache_dir=root / "cache"
        ) as client,
    ):
        await client.log("calls", plant(root / "source", SIZES), type="dataset")


@pytest.fixture
async def server(stored: Path, tmp_path: Path) -> AsyncIterator[Server]:
    """Serve a copy of it."""
    async with disk_server(Path(shutil.copytree(stored, tmp_path / "server"))) as running:
        yield running


@pytest.fixture
def logged() -> str:
    return "team/birds/calls:v0"


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.name.startswith(".hydria")]


async def test_what_is_in_place_is_not_fetched_again(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    first = await client.download(logged, tmp_path / "copy")
    inode = (tmp_path / "copy/one byte").stat().st_ino

    again = await client.download(logged, tmp_path / "copy")

    assert first.received_bytes == first.size_bytes == sum(map(len, SIZES.values()))
    assert again.received_bytes == 0
    assert (again.file_count, again.size_bytes) == (first.file_count, first.size_bytes)
    assert (tmp_path / "copy/one byte").stat().st_ino == inode
    assert leftovers(tmp_path / "copy") == []


@pytest.mark.parametrize("sync", [False, True])
async def test_a_download_waits_for_the_disk_when_it_is_asked_to(
    client: AsyncClient, logged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    root, asked = tmp_path / "copy", list[str]()
    monkeypatch.setattr(
        materializing,
        "sync_files",
        lambda _, files: asked.extend(
            ["bytes" if not (root / "empty").exists() else "late"] * len(files)
        ),
    )
    monkeypatch.setattr(materializing, "sync_directories", lambda *_: asked.append("names"))

    await client.download(logged, root, sync=sync)

    assert asked == ([*["bytes"] * len(SIZES), "names"] if sync else [])


async def test_what_is_missing_or_different_is_fetched_and_nothing_else_touched(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    await client.download(logged, root)
    (root / "tiny/7").unlink()
    (root / "one byte").write_bytes(b"y")  # same size
    (root / "deep/zeros").write_bytes(b"short")
    plant(root, {"mine.txt": b"mine"})

    result = await client.download(logged, root)

    assert result.received_bytes == 1 + 1 + 3 * MIB  # of two equal chunks one came
    assert tree_of(root) == SIZES | {"mine.txt": b"mine"}


async def test_prefixes_and_paths_choose_files(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    result = await client.download(
        logged, tmp_path / "copy", prefixes=["tiny/10"], paths=["empty", "one byte"]
    )

    chosen = {"empty", "one byte", "tiny/10"} | {f"tiny/10{n}" for n in range(10)}
    assert set(tree_of(tmp_path / "copy")) == chosen
    assert result.file_count == len(chosen)


async def test_globs_choose_files_beside_prefixes_and_paths(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    result = await client.download(
        logged,
        tmp_path / "copy",
        globs=["tiny/?", "**/*.bin"],
        prefixes=["tiny/7"],
        paths=["empty"],
    )

    tiny = {path for path in SIZES if path.startswith("tiny/7")} | {f"tiny/{n}" for n in range(10)}
    chosen = {"empty", "deep/er/many chunks.bin"} | tiny
    assert set(tree_of(tmp_path / "copy")) == chosen
    assert result.file_count == len(chosen)
    listed = [file.path async for file in client.files(logged, "deep/", glob="**/many*")]
    assert listed == ["deep/er/many chunks.bin"]


async def test_globs_that_are_none_are_refused_before_anything_is_made(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    for glob in ("", "[a", "/x", "a**"):
        with pytest.raises(InvalidArgumentError):
            await client.download(logged, tmp_path / "copy", globs=[glob])
    assert not (tmp_path / "copy").exists()


async def test_a_path_that_is_not_there_is_an_error_and_nothing_is_written(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    for path in ("nothing", "tiny", "deep/"):
        with pytest.raises((FileNotFoundInVersionError, PathInvalidError)):
            await client.download(logged, tmp_path / "copy", paths=[path])
    many = [f"tiny/{number}" for number in range(60)]
    with pytest.raises(FileNotFoundInVersionError, match="nothing"):
        await client.download(logged, tmp_path / "copy", paths=[*many, "nothing"])

    assert not (tmp_path / "copy").exists()
    await client.download(logged, tmp_path / "copy", paths=many)
    assert len(tree_of(tmp_path / "copy")) == 60


async def test_without_a_root_a_version_goes_below_artifacts(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.log("songs", plant(tmp_path / "source", {"a": b"a"}), type="dataset")
    monkeypatch.chdir(tmp_path)

    result = await client.download("songs:latest")

    assert result.root == Path("artifacts/songs:v0")
    assert (tmp_path / "artifacts/songs:v0/a").read_bytes() == b"a"


async def test_a_version_of_another_type_is_refused(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    with pytest.raises(TypeMismatchError):
        await client.download(logged, tmp_path / "copy", type="model")


async def test_a_directory_in_the_place_of_a_file_is_an_error_that_names_it(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    (tmp_path / "copy/one byte").mkdir(parents=True)

    with pytest.raises(TargetError, match="one byte"):
        await client.download(logged, tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {}


async def test_a_file_in_the_place_of_a_directory_is_an_error_that_names_it(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    plant(tmp_path / "copy", {"deep": b"a file"})

    with pytest.raises(TargetError, match="deep"):
        await client.download(logged, tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {"deep": b"a file"}


async def test_a_pipe_in_the_place_of_a_file_is_left_alone(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    os.mkfifo(tmp_path / "copy/one byte")

    with pytest.raises(TargetError, match="one byte"):
        await client.download(logged, tmp_path / "copy")


@pytest.mark.parametrize("name", ["deep", "one byte"])
async def test_a_link_that_leads_out_of_the_root_is_never_followed(
    client: AsyncClient, logged: str, tmp_path: Path, name: str
) -> None:
    outside = plant(tmp_path / "outside", {"precious": b"precious"})
    (tmp_path / "copy").mkdir()
    target = outside if name == "deep" else outside / "precious"
    (tmp_path / "copy" / name).symlink_to(target)

    with pytest.raises(TargetError, match="outside"):
        await client.download(logged, tmp_path / "copy")
    assert tree_of(outside) == {"precious": b"precious"}


async def test_links_inside_the_root_are_fine(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    root = plant(tmp_path / "copy", {"elsewhere/keep": b"keep", "other": b"other"})
    (root / "deep").symlink_to(root / "elsewhere")
    (root / "one byte").symlink_to(root / "other")
    (tmp_path / "link to the root").symlink_to(root)

    await client.download(logged, tmp_path / "link to the root")

    assert (root / "elsewhere/zeros").read_bytes() == SIZES["deep/zeros"]
    assert not (root / "one byte").is_symlink()
    assert (root / "other").read_bytes() == b"other"


async def test_names_that_differ_in_case_only_are_refused_on_a_disk_that_ignores_case(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = {"Readme": b"1", "README": b"2", "Dir/a": b"3", "dir/b": b"4"}
    await client.log("calls", plant(tmp_path / "source", twins), type="dataset")
    await client.download("calls", tmp_path / "sensitive")
    assert tree_of(tmp_path / "sensitive") == twins

    monkeypatch.setattr(materializing, "ignores_case", lambda directory: True)
    with pytest.raises(TargetError, match="case"):
        await client.download("calls", tmp_path / "insensitive")
    assert tree_of(tmp_path / "insensitive") == {}
    assert leftovers(tmp_path / "insensitive") == []


def flip_a_byte_in_every_pack(server_data: Path) -> None:
    for pack in (server_data / "packs").rglob("*"):
        if pack.is_file() and pack.stat().st_size > MIB:
            with pack.open("r+b") as file:
                file.seek(pack.stat().st_size // 2)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))


async def test_a_flipped_byte_is_an_error_and_what_was_there_stays(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    root = plant(tmp_path / "copy", {"one byte": b"old", "deep/zeros": b"old"})
    flip_a_byte_in_every_pack(tmp_path / "server")

    with pytest.raises(HydriaError) as failure:
        await client.download(logged, root)

    assert failure.value.reason == "CHUNK_CORRUPT"
    found = tree_of(root)
    assert found.pop("one byte") == b"old"
    assert found.pop("deep/zeros") == b"old"
    assert all(data == SIZES[path] for path, data in found.items())
    assert leftovers(root) == []


async def test_a_cancelled_download_leaves_what_was_there(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    root = plant(tmp_path / "copy", {"deep/zeros": b"old"})
    task: asyncio.Task[object]

    def cancel(progress: Progress) -> None:
        if progress.phase is Phase.DOWNLOAD:
            task.cancel()

    task = asyncio.create_task(client.download(logged, root, progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (root / "deep/zeros").read_bytes() == b"old"
    assert leftovers(root) == []
    await client.download(logged, root)
    assert tree_of(root) == SIZES


async def test_progress_of_a_download_ends_with_everything_done(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    reports: list[Progress] = []
    await client.download(logged, tmp_path / "copy", progress=reports.append)

    last, size_bytes = reports[-1], sum(map(len, SIZES.values()))
    assert last.phase is Phase.DONE
    assert (last.files_done, last.files_total) == (len(SIZES), len(SIZES))
    assert last.bytes_done == last.bytes_total == last.received_bytes == size_bytes


PARTS = (
    *((0, None), (0, 10), (3 * MIB, 2 * MIB), (5, 0)),
    *((-10, None), (-10, 4), (7 * MIB + 7, None)),
)


async def test_a_part_of_a_file_is_read_exactly(client: AsyncClient, logged: str) -> None:
    data = SIZES["deep/er/many chunks.bin"]
    for offset, length in PARTS:
        end = None if length is None else (offset + len(data) if offset < 0 else offset) + length

        read = await client.read(logged, "deep/er/many chunks.bin", offset=offset, length=length)

        assert read == data[offset:end], (offset, length)


async def test_a_part_outside_of_the_file_is_refused(client: AsyncClient, logged: str) -> None:
    for offset in (2, -2):
        with pytest.raises(RangeOutOfBoundsError):
            await client.read(logged, "one byte", offset=offset)
    assert await client.read(logged, "one byte", offset=1) == b""
    assert await client.read(logged, "empty") == b""


async def test_a_stream_that_is_left_early_ends_at_the_server_too(
    client: AsyncClient, logged: str, server: Server
) -> None:
    stream = client.iter_bytes(logged, "deep/er/many chunks.bin")
    first = await anext(stream)
    await stream.aclose()

    assert first == SIZES["deep/er/many chunks.bin"][: len(first)]
    assert (await client.version(logged)).ref == logged


async def test_two_downloads_into_one_root_do_not_disturb_each_other(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    await asyncio.gather(*(client.download(logged, tmp_path / "copy") for _ in range(2)))

    assert tree_of(tmp_path / "copy") == SIZES
    assert leftovers(tmp_path / "copy") == []


async def test_an_update_of_a_large_file_fetches_that_file_only(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    await client.download(logged, tmp_path / "copy")
    newer = plant(tmp_path / "newer", {"one byte": content(MIB, 77)})
    await client.log("calls", newer, base=logged)

    result = await client.download("calls", tmp_path / "copy")

    assert result.received_bytes == MIB
    assert tree_of(tmp_path / "copy") == SIZES | {"one byte": content(MIB, 77)}


async def test_rooms_of_killed_downloads_are_cleared_and_those_in_use_are_not(
    client: AsyncClient, logged: str, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    root.mkdir()
    abandoned, in_use, young = (TemporaryRoom(str(root)) for _ in range(3))
    os.close(abandoned._fd)  # its process was killed
    for room in (abandoned, in_use):
        os.utime(room.directory, (1, 1))

    await client.download(logged, root)

    assert sorted(leftovers(root)) == sorted(Path(room.directory).name for room in (in_use, young))
    in_use.close()
    young.close()
    assert tree_of(root) == SIZES
