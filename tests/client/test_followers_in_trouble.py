"""Followers whose history was cut, or whose disk is full, serve the old version until the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.download import materializing
from hydria.following.records import NoticeKind, ServedVersion
from tests.client.followers import Heard, content, following, log
from tests.disks import fill, small_disk
from tests.histories import forget_all
from tests.noise import noise
from tests.servers import Server

DISK_BYTES = 12 * 1024 * 1024
LARGE_BYTES = 2_000_000
FULL = "No space left on device"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Mount a small disk for what is served; each file gets in place as soon as it is there."""
    monkeypatch.setattr(materializing, "_BATCH_BYTES", 1)
    with small_disk(tmp_path / "served", size_bytes=DISK_BYTES) as root:
        yield root


async def log_large(client: AsyncClient, tmp_path: Path, name: str, *, files: int) -> str:
    """Log a version of several large files, and return its ref."""
    source = tmp_path / name
    source.mkdir()
    for number in range(files):
        content = noise(LARGE_BYTES, name, number)
        (source / f"part-{number}").write_bytes(content)
    (source / "weights").write_text(name)
    return (await client.log("calls", source, type="model")).version.ref


async def point(client: AsyncClient, ref: str) -> None:
    await client.set_aliases(ref, ["production"])


async def test_a_follower_whose_token_is_older_than_the_history_begins_anew(
    client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root = tmp_path / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
    await log(client, tmp_path, "1", "production")
    await log(client, tmp_path, "2", "production")
    await forget_all(server, "team")

    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v2")
        assert content(root) == "2"
        await point(client, "calls:v1")
        await heard.wait(NoticeKind.SWAPPED, ":v1")
    kinds = [notice.kind for notice in heard.notices]
    assert kinds[:3] == [NoticeKind.CURRENT, NoticeKind.FETCHING, NoticeKind.SWAPPED]
    assert content(root) == "1"


async def test_a_follower_finds_out_that_its_alias_was_removed_before_the_history_begins(
    client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root = tmp_path / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
    await client.remove_aliases("calls", ["production"])
    await forget_all(server, "team")

    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.GONE, ":v0")
        assert content(root) == "0"
        await point(client, await log(client, tmp_path, "1"))
        await heard.wait(NoticeKind.SWAPPED, ":v1")


async def test_a_follower_without_room_serves_the_old_version_until_there_is_some(
    client: AsyncClient, disk: Path, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    v1 = await log_large(client, tmp_path, "large", files=3)
    root = disk / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
        ballast = fill(disk, but_bytes=2 * LARGE_BYTES)
        await point(client, v1)
        for count in (1, 2):
            retrying = await heard.wait(NoticeKind.RETRYING, ":v1", count=count)
            assert FULL in retrying.message
            assert content(root) == "0"
        (deployment,) = await client.deployments.list().to_list()
        assert deployment.version_ref.endswith(":v0")
        ballast.unlink()
        swapped = await heard.wait(NoticeKind.SWAPPED, ":v1")
    assert content(root) == "large"
    assert swapped.received_bytes < 2.5 * LARGE_BYTES, "what had come is not fetched again"


async def test_what_was_begun_of_a_version_takes_no_room_from_the_next(
    client: AsyncClient, disk: Path, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    v1 = await log_large(client, tmp_path, "large", files=7)
    v2 = await log_large(client, tmp_path, "small", files=4)
    root = disk / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
        await point(client, v1)
        await heard.wait(NoticeKind.RETRYING, ":v1")
        await point(client, v2)
        await heard.wait(NoticeKind.SWAPPED, ":v2")
    assert content(root) == "small"


async def test_a_follower_whose_disk_takes_nothing_at_all_goes_on(
    client: AsyncClient, disk: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    async def tell(version: ServedVersion) -> None:
        told.append(version.version_ref[-2:])
        if len(told) == 1:
            fill(disk)  # before it can be kept that it was told

    await log(client, tmp_path, "0", "production")
    root = disk / "model"
    async with following(client, root, heard := Heard(), on_swap=tell):
        retrying = await heard.wait(NoticeKind.RETRYING)
        assert FULL in retrying.message
        (disk / "ballast").unlink()
        await heard.wait(NoticeKind.TOLD, ":v0")
        ballast = fill(disk)
        await client.remove_aliases("calls", ["production"])
        await heard.wait(NoticeKind.GONE, ":v0", count=2)
        assert content(root) == "0"
        ballast.unlink()
        await point(client, await log(client, tmp_path, "1"))
        await heard.wait(NoticeKind.TOLD, ":v1")
    assert told == ["v0", "v1"], "no callback is called twice because the disk is full"


async def test_a_follower_that_is_restarted_on_a_full_disk_serves_what_is_there(
    client: AsyncClient, disk: Path, tmp_path: Path
) -> None:
    async def tell(_version: ServedVersion) -> None:
        fill(disk)

    await log(client, tmp_path, "0", "production")
    root = disk / "model"
    async with following(client, root, heard := Heard(), on_swap=tell):
        await heard.wait(NoticeKind.RETRYING)
    async with following(client, root, heard := Heard()) as follower:
        await heard.wait(NoticeKind.RETRYING, ":v0")
        await follower.is_in_place.wait()
        assert content(root) == "0"
