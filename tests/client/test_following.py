"""Followers: a directory is at the version that an alias points to, whatever happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hydria
from hydria.client import AsyncClient
from hydria.errors import RefInvalidError, ResourceInUseError
from hydria.following.errors import FollowerRunningError, FollowRootError
from hydria.following.follower import AsyncModelFollower
from hydria.following.records import FollowOptions, NoticeKind, ServedVersion
from tests.client.followers import REF, SECONDS, Heard, content, following, log
from tests.servers import server_process


async def test_a_follower_swaps_when_the_alias_moves_and_back_again(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    v1 = await log(client, tmp_path, "1")
    root, heard = tmp_path / "served" / "model", Heard()
    async with following(client, root, heard) as follower:
        first = await heard.wait(NoticeKind.SWAPPED, ":v0")
        assert root.is_symlink()
        assert first.path == root.resolve()
        assert content(root) == "0"

        await client.set_aliases(v1, ["production"])
        second = await heard.wait(NoticeKind.SWAPPED, ":v1")
        assert (content(root), root.resolve()) == ("1", second.path)
        assert second.received_bytes < 100_000, "what did not change is taken from beside it"
        assert first.path is not None
        assert content(first.path) == "0", "the one before stays"

        await client.set_aliases("calls:v0", ["production"])
        back = await heard.wait(NoticeKind.SWAPPED, ":v0", count=2)
        assert (back.path, back.received_bytes, content(root)) == (first.path, 0, "0")
        assert follower.current is not None
        assert follower.current.version_ref.endswith(":v0")


async def test_only_what_is_in_place_and_what_was_before_it_is_kept(
    client: AsyncClient, tmp_path: Path
) -> None:
    root, heard = tmp_path / "model", Heard()
    await log(client, tmp_path, "0", "production")
    async with following(client, root, heard):
        for number in (1, 2):
            await heard.wait(NoticeKind.SWAPPED, f":v{number - 1}")
            await log(client, tmp_path, str(number), "production")
        await heard.wait(NoticeKind.SWAPPED, ":v2")
        async with asyncio.timeout(SECONDS):
            while kept_beside(root) != {"v1", "v2"}:  # noqa: ASYNC110 - it is done after the swap
                await asyncio.sleep(0.02)


def kept_beside(root: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in root.resolve().parent.glob("v*")}


async def test_a_version_that_was_damaged_while_it_waited_is_mended_before_it_is_served(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    v1 = await log(client, tmp_path, "1")
    root, heard = tmp_path / "model", Heard()
    async with following(client, root, heard):
        first = await heard.wait(NoticeKind.SWAPPED, ":v0")
        await client.set_aliases(v1, ["production"])
        await heard.wait(NoticeKind.SWAPPED, ":v1")
        assert first.path is not None
        (first.path / "weights").write_text("x")
        (first.path / "below" / "same").unlink()
        await client.set_aliases("calls:v0", ["production"])
        await heard.wait(NoticeKind.SWAPPED, ":v0", count=2)
    assert content(root) == "0"
    assert (root / "below" / "same").exists()


async def test_what_is_followed_is_reported_and_cannot_be_deleted_until_the_follower_ends(
    client: AsyncClient, tmp_path: Path
) -> None:
    v0 = await log(client, tmp_path, "0", "production")
    await log(client, tmp_path, "1")
    root, heard = tmp_path / "model", Heard()
    options = FollowOptions(name="api", host="pod", labels={"zone": "eu"}, lease_seconds=5)
    async with following(client, root, heard, options=options):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
        deployment = await reported(client, v0)
        assert (deployment.name, deployment.host, deployment.labels) == (
            *("api", "pod"),
            {"zone": "eu"},
        )
        assert (deployment.alias, deployment.current) == ("production", True)
        with pytest.raises(ResourceInUseError, match="api on pod") as refusal:
            await client.delete_version(v0, delete_aliases=True, force=True)
        assert refusal.value.details["deployments"] == "api on pod"
        before = deployment.expires_at
        while (await reported(client, v0)).expires_at == before:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.1)
    assert await client.deployments.list().to_list() == []
    ended = await client.deployments.list(filter="state = ENDED").to_list()
    assert [each.version_ref for each in ended] == [v0]


async def reported(client: AsyncClient, ref: str) -> hydria.Deployment:
    """Return the deployment once it serves a version."""
    async with asyncio.timeout(SECONDS):
        while True:
            for deployment in await client.deployments.list("team/birds/calls").to_list():
                if deployment.version_ref == ref:
                    return deployment
            await asyncio.sleep(0.05)


async def test_a_removed_alias_or_a_deleted_version_leaves_what_is_in_place(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    await log(client, tmp_path, "1")
    root, heard = tmp_path / "model", Heard()
    async with following(client, root, heard, options=FollowOptions(is_reported=False)):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
        await client.remove_aliases("calls", ["production"])
        gone = await heard.wait(NoticeKind.GONE, ":v0")
        assert "production" in gone.message
        await client.set_aliases("calls:v0", ["production"])
        await client.delete_version("calls:v0", delete_aliases=True)
        gone = await heard.wait(NoticeKind.GONE, ":v0", count=2)
        assert "was deleted" in gone.message
        assert content(root) == "0"
        await client.set_aliases("calls:v1", ["production"])
        await heard.wait(NoticeKind.SWAPPED, ":v1")
    assert content(root) == "1"


async def test_an_alias_that_is_yet_to_be_made_is_waited_for(
    client: AsyncClient, tmp_path: Path
) -> None:
    root, heard = tmp_path / "model", Heard()
    async with following(client, root, heard):
        await heard.wait(NoticeKind.GONE)
        assert not root.exists()
        await log(client, tmp_path, "0", "production")
        await heard.wait(NoticeKind.SWAPPED, ":v0")
    assert content(root) == "0"


async def test_a_callback_that_fails_is_said_and_following_goes_on(
    client: AsyncClient, tmp_path: Path
) -> None:
    seen: list[str] = []

    async def load(version: ServedVersion) -> None:
        seen.append(content(version.path))
        if len(seen) == 1:
            raise ValueError("no such layer")

    await log(client, tmp_path, "0", "production")
    root, heard = tmp_path / "model", Heard()
    async with following(client, root, heard, on_swap=load):
        failed = await heard.wait(NoticeKind.CALLBACK_FAILED, ":v0")
        assert failed.message == "no such layer"
        await log(client, tmp_path, "1", "production")
        await heard.wait(NoticeKind.TOLD, ":v1")
    assert seen == ["0", "1"]
    async with following(client, root, heard, on_swap=load):
        await heard.wait(NoticeKind.CURRENT, ":v1")
    assert seen == ["0", "1"], "a restart calls nothing again"


async def test_a_restarted_follower_goes_on_where_it_was(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root = tmp_path / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
    await log(client, tmp_path, "1", "production")
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v1")
        assert [notice.kind for notice in heard.notices[:2]] == [
            NoticeKind.CURRENT,
            NoticeKind.FETCHING,
        ]
    assert content(root) == "1"


async def test_two_followers_of_one_directory_are_one_too_many(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root, heard = tmp_path / "model", Heard()
    async with following(client, root, heard):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
        with pytest.raises(FollowerRunningError, match="another follower"):
            await AsyncModelFollower(client, REF, root).run()
        with pytest.raises(FollowerRunningError):
            await AsyncModelFollower(client, REF, root).once()
    assert content((await AsyncModelFollower(client, REF, root).once()).path) == "0"


def a_directory(root: Path) -> None:
    root.mkdir()
    (root / "precious").write_text("mine")


def a_file(root: Path) -> None:
    root.write_text("mine")


def a_link_elsewhere(root: Path) -> None:
    a_directory(root.with_name("elsewhere"))
    root.symlink_to("elsewhere")


def a_link_out_of_the_shelf(root: Path) -> None:
    root.symlink_to(f".{root.name}.hydria/../elsewhere")


def a_shelf_that_is_a_link(root: Path) -> None:
    a_directory(root.with_name("elsewhere"))
    root.with_name(f".{root.name}.hydria").symlink_to("elsewhere")


@pytest.mark.parametrize(
    "make",
    [a_directory, a_file, a_link_elsewhere, a_link_out_of_the_shelf, a_shelf_that_is_a_link],
)
async def test_what_hydria_has_not_made_is_refused_and_left_alone(
    client: AsyncClient, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    await log(client, tmp_path, "0", "production")
    (tmp_path / "here").mkdir()
    root = tmp_path / "here" / "model"
    make(root)
    before = {path: os.lstat(path).st_ino for path in (tmp_path / "here").rglob("[!.]*")}
    with pytest.raises(FollowRootError):
        await AsyncModelFollower(client, REF, root).run()
    assert before == {path: os.lstat(path).st_ino for path in (tmp_path / "here").rglob("[!.]*")}


async def test_what_takes_the_place_of_the_link_meanwhile_ends_the_follower(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root, heard = tmp_path / "model", Heard()
    follower = AsyncModelFollower(client, REF, root, on_notice=heard.hear)
    task = asyncio.create_task(follower.run())
    await heard.wait(NoticeKind.SWAPPED, ":v0")
    root.unlink()
    root.mkdir()
    await log(client, tmp_path, "1", "production")
    async with asyncio.timeout(SECONDS):
        with pytest.raises(FollowRootError):
            await task
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("ref", ["calls:v3", "calls@blake3:" + "0" * 64, "calls:", "a/b/c/d:x"])
async def test_a_ref_that_never_moves_is_refused(client: AsyncClient, ref: str) -> None:
    with pytest.raises(RefInvalidError):
        AsyncModelFollower(client, ref, "model")


async def test_the_root_of_all_is_no_place(client: AsyncClient) -> None:
    with pytest.raises(FollowRootError):
        AsyncModelFollower(client, REF, "/")


async def test_a_state_that_makes_no_sense_costs_a_snapshot_and_nothing_more(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    root = tmp_path / "model"
    for text in ("", "{", "[]", '{"format": 2}', '{"format": 1, "token": "zz"}'):
        await AsyncModelFollower(client, REF, root).once()
        (tmp_path / ".model.hydria" / "state.json").write_text(text)
        async with following(client, root, heard := Heard()):
            swapped = await heard.wait(NoticeKind.SWAPPED, ":v0")
            assert swapped.received_bytes == 0
    assert content(root) == "0"


async def test_another_alias_into_the_same_directory_begins_with_what_is_there(
    client: AsyncClient, tmp_path: Path
) -> None:
    await log(client, tmp_path, "0", "production")
    await log(client, tmp_path, "1", "staging")
    root = tmp_path / "model"
    async with following(client, root, heard := Heard()):
        await heard.wait(NoticeKind.SWAPPED, ":v0")
    async with following(client, root, heard := Heard(), ref="team/birds/calls:staging"):
        assert (await heard.wait(NoticeKind.SWAPPED, ":v1")).received_bytes < 100_000
    assert content(root) == "1"


@pytest.mark.slow
async def test_a_follower_waits_for_a_server_and_survives_another_store(tmp_path: Path) -> None:
    """The token is of the first store: the follower begins anew with the second."""
    socket = tmp_path / "s"
    address = f"unix://{socket}"
    root, heard = tmp_path / "model", Heard()
    async with (
        AsyncClient(address, entity="team", project="birds", cache_dir=tmp_path) as client,
        following(client, root, heard),
    ):
        await heard.wait(NoticeKind.RETRYING)
        with server_process(tmp_path / "one", "--listen", address):
            await log(client, tmp_path, "0", "production")
            await heard.wait(NoticeKind.SWAPPED, ":v0")
        with server_process(tmp_path / "one", "--listen", address):
            await log(client, tmp_path, "1", "production")
            await heard.wait(NoticeKind.SWAPPED, ":v1")
        with server_process(tmp_path / "two", "--listen", address):
            await log(client, tmp_path, "other", "production")
            await heard.wait(NoticeKind.SWAPPED, ":v0", count=2)
    assert content(root) == "other"
