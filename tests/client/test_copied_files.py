"""Files of other versions in a draft, without their bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import FileNotFoundInVersionError, NotFoundError, PathInvalidError
from hydria.references.errors import CrossDomainError
from tests.client.trees import MIB, content, plant

FILES = {"big": content(9 * MIB), "a": b"a", "ab": b"ab"}


async def test_a_copied_file_is_there_and_nothing_was_sent(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "source", FILES), type="dataset")
    async with client.draft("calls", type="model") as draft:
        await draft.add_bytes("new", b"new")
        await draft.copy_file("source", "big", "weights/big")
        await draft.copy_file("source:v0", "a")
        result = await draft.commit()
    assert (result.sent_bytes, result.new_bytes) == (3, 3)
    assert await client.read("calls", "weights/big") == FILES["big"]
    paths = [file.path for file in await client.files("calls").to_list()]
    assert paths == ["a", "new", "weights/big"]


async def test_a_copy_is_of_the_version_that_its_ref_meant_when_it_was_made(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "one", {"a": b"one"}), type="dataset")
    async with client.draft("calls", type="dataset") as draft:
        await draft.copy_file("source", "a")
        await client.log("source", plant(tmp_path / "two", {"a": b"two"}))
        await draft.commit()
    assert await client.read("calls", "a") == b"one"


async def test_a_copied_reference_stays_a_reference(client: AsyncClient, tmp_path: Path) -> None:
    shared = plant(tmp_path / "shared", {"a": b"a"}) / "a"
    async with client.draft("source", type="dataset") as draft:
        await draft.add_reference(shared.as_uri())
        await draft.commit()
    async with client.draft("calls", type="dataset") as draft:
        await draft.copy_file("source", "a", "b")
        await draft.commit()
    (file,) = await client.files("calls").to_list()
    assert (file.path, file.ref_uri) == ("b", shared.as_uri())
    assert await client.read("calls", "b") == b"a"


async def test_what_cannot_be_copied_is_said_at_once_and_the_draft_goes_on(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "source", FILES), type="dataset")
    await client.log("other/birds/source", tmp_path / "source", type="dataset")
    async with client.draft("calls", type="dataset") as draft:
        with pytest.raises(FileNotFoundInVersionError):
            await draft.copy_file("source", "b")
        with pytest.raises(NotFoundError):
            await draft.copy_file("source:v7", "a")
        with pytest.raises(PathInvalidError):
            await draft.copy_file("source", "a", "../a")
        with pytest.raises(CrossDomainError):
            await draft.copy_file("other/birds/source", "a")
        await draft.copy_file("source", "a")
        await draft.remove("a")
        assert (await draft.commit()).version.file_count == 0


async def test_a_copy_of_a_version_that_was_deleted_fails_the_commit(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "source", {"a": b"1"}), type="dataset")
    async with client.draft("calls", type="dataset") as draft:
        await draft.copy_file("source", "a")
        await client.delete_version("source:v0")
        with pytest.raises(NotFoundError):
            await draft.commit()
