"""A version put together file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import (
    InvalidArgumentError,
    NotFoundError,
    PathConflictError,
    PathInvalidError,
    SourceError,
    UploadNotOpenError,
)
from tests.client.trees import MIB, content, plant


async def contents(client: AsyncClient, ref: str) -> dict[str, bytes]:
    return {file.path: await client.read(ref, file.path) async for file in client.files(ref)}


async def test_what_was_added_is_captured_when_the_call_returns(
    client: AsyncClient, tmp_path: Path
) -> None:
    data = content(3 * MIB)
    source = plant(tmp_path / "source", {"a": data, "dir/b": b"b"})
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_file(source / "a")
        await draft.add_file(source / "a", "copies/of a")
        await draft.add_dir(source / "dir", "sub")
        await draft.add_bytes("notes.txt", b"in memory")
        plant(source, {"a": b"changed later"})
        (source / "dir/b").unlink()
        result = await draft.commit(description="a draft", aliases=["best"])

    assert result.created
    assert result.version.description == "a draft"
    assert await contents(client, "calls:best") == {
        "a": data,
        "copies/of a": data,
        "notes.txt": b"in memory",
        "sub/b": b"b",
    }


async def test_nobody_sees_a_draft_before_it_is_committed(client: AsyncClient) -> None:
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_bytes("a", b"a")
        with pytest.raises(NotFoundError):
            await client.version("calls")
    with pytest.raises(NotFoundError):
        await client.version("calls")
    with pytest.raises(UploadNotOpenError):
        await draft.add_bytes("b", b"b")


async def test_the_last_file_under_a_path_counts(client: AsyncClient) -> None:
    async with client.draft("calls", type="dataset") as draft:
        for data in (b"one", b"two", b"three"):
            await draft.add_bytes("a", data)
        await draft.commit()

    assert await contents(client, "calls") == {"a": b"three"}


async def test_removing_takes_out_what_was_added_and_what_the_base_has(
    client: AsyncClient, tmp_path: Path
) -> None:
    files = {"keep": b"1", "drop": b"1", "dir/a": b"1", "dir/b": b"1"}
    await client.log("calls", plant(tmp_path / "source", files), type="dataset")
    async with client.draft("calls", base="calls") as draft:
        await draft.add_bytes("added", b"2")
        await draft.add_bytes("dir/added", b"2")
        await draft.remove("added")
        await draft.remove("drop")
        await draft.remove("was never there")
        await draft.remove_prefix("dir/")
        await draft.add_bytes("dir/b", b"3")
        result = await draft.commit()

    assert await contents(client, "calls") == {"keep": b"1", "dir/b": b"3"}
    assert (result.file_count, result.new_bytes) == (2, 2)


async def test_a_path_that_is_removed_and_added_again_is_there(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("calls", plant(tmp_path / "source", {"a": b"1"}), type="dataset")
    async with client.draft("calls", base="calls:v0") as draft:
        await draft.remove("a")
        await draft.add_bytes("a", b"2")
        await draft.commit()

    assert await contents(client, "calls") == {"a": b"2"}


async def test_a_draft_is_still_open_after_a_commit_that_failed(client: AsyncClient) -> None:
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_bytes("a", b"a")
        await draft.add_bytes("a/b", b"b")
        with pytest.raises(PathConflictError):
            await draft.commit()
        await draft.remove("a")
        result = await draft.commit()

    assert result.version.version == "v0"
    assert await contents(client, "calls") == {"a/b": b"b"}


async def test_a_draft_is_committed_once(client: AsyncClient) -> None:
    draft = client.draft("calls", type="dataset")
    await draft.add_bytes("a", b"a")
    await draft.commit()

    with pytest.raises(UploadNotOpenError):
        await draft.commit()
    await draft.abort()
    assert (await client.version("calls")).version == "v0"


async def test_an_empty_draft_is_a_version_of_no_files(client: AsyncClient) -> None:
    async with client.draft("calls", type="dataset") as draft:
        assert (await draft.commit()).file_count == 0


async def test_what_makes_no_file_is_refused_and_the_draft_goes_on(
    client: AsyncClient, tmp_path: Path
) -> None:
    async with client.draft("calls", type="dataset") as draft:
        with pytest.raises(PathInvalidError):
            await draft.add_bytes("../up", b"")
        with pytest.raises(SourceError, match="add_dir"):
            await draft.add_file(tmp_path)
        with pytest.raises(FileNotFoundError):
            await draft.add_file(tmp_path / "nothing")
        with pytest.raises(InvalidArgumentError):
            await draft.remove_prefix("")
        await draft.add_bytes("a", b"a")
        assert (await draft.commit()).file_count == 1


async def test_a_draft_of_content_that_is_there_finds_its_version(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("calls", plant(tmp_path / "source", {"a": b"1"}), type="dataset")
    async with client.draft("calls", base="calls") as draft:
        await draft.add_bytes("a", b"1")
        result = await draft.commit(metadata={"n": 1})

    assert (result.created, result.version.version, result.sent_bytes) == (False, "v0", 0)
    assert result.ignored_fields == ("metadata_json",)
