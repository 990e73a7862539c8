"""Logging what was logged before: one look at the files, one small call."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria import scanned_files
from hydria.client import AsyncClient
from hydria.digests import EMPTY_CONTENT_DIGEST
from hydria.records import Phase, Progress
from hydria.version_digest import VersionHasher
from hydria_server.domain.records import UploadRecord
from hydria_server.services.sessions import NewUpload
from tests.client.trees import SIZES, plant, tree_of
from tests.servers import Server
from tests.teams import digest, version_digest


@pytest.fixture(autouse=True)
def young_files_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test has no two seconds to wait until files have settled."""
    monkeypatch.setattr(scanned_files, "DISTRUST_NS", -(10**15))


@pytest.fixture
def uploads(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[NewUpload]:
    """Every upload that was begun at the server."""
    begun: list[NewUpload] = []
    create = server.services.sessions.create

    async def noted(new: NewUpload) -> UploadRecord:
        begun.append(new)
        return await create(new)

    monkeypatch.setattr(server.services.sessions, "create", noted)
    return begun


async def test_files_that_did_not_change_need_no_upload(
    client: AsyncClient, uploads: list[NewUpload], tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", SIZES)
    first = await client.log("calls", source, type="dataset")
    seen: list[Progress] = []

    again = await client.log(
        "calls", source, aliases=["best"], tags=["gold"], description="x", progress=seen.append
    )

    assert len(uploads) == 1
    assert not again.created
    assert again.version.ref == first.version.ref
    assert set(again.version.aliases) == {"best", "latest"}
    assert again.version.tags == ("gold",)
    assert again.ignored_fields == ("description",)
    assert (again.file_count, again.size_bytes) == (first.file_count, first.size_bytes)
    assert (again.sent_bytes, again.new_bytes) == (0, 0)
    assert again.duplicate_bytes == first.size_bytes
    assert seen[-1].phase is Phase.DONE
    assert seen[-1].files_done == seen[-1].files_total == first.file_count


async def test_files_of_another_version_find_that_one(
    client: AsyncClient, uploads: list[NewUpload], tmp_path: Path
) -> None:
    one, two = plant(tmp_path / "1", {"a": b"one"}), plant(tmp_path / "2", {"a": b"two"})
    await client.log("calls", one, type="dataset")
    second = await client.log("calls", two)

    again = await client.log("calls", one)

    assert second.version.version == "v1"
    assert again.version.version == "v0"
    assert "latest" in again.version.aliases
    assert len(uploads) == 2


async def test_an_empty_tree_that_was_logged_is_found(
    client: AsyncClient, uploads: list[NewUpload], tmp_path: Path
) -> None:
    source = plant(tmp_path / "empty", {})
    await client.log("calls", source, type="dataset")

    again = await client.log("calls", source)

    assert not again.created
    assert len(uploads) == 1


async def test_known_files_that_the_collection_lacks_are_uploaded(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": b"one", "b": b"two"})
    await client.log("calls", source, type="dataset")
    await client.delete_version("calls:v0", delete_aliases=True)

    again = await client.log("calls", source)
    elsewhere = await client.log("songs", source, type="dataset")

    assert again.created
    assert again.version.version == "v1"
    assert elsewhere.created


async def test_a_file_that_changed_makes_another_version(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": b"one", "b": b"two"})
    await client.log("calls", source, type="dataset")
    (source / "b").write_bytes(b"new")

    again = await client.log("calls", source)

    assert again.created
    assert again.version.version == "v1"
    await client.download("calls:v1", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {"a": b"one", "b": b"new"}


async def test_known_files_over_a_base_are_uploaded(
    client: AsyncClient, uploads: list[NewUpload], tmp_path: Path
) -> None:
    one, two = plant(tmp_path / "1", {"a": b"one"}), plant(tmp_path / "2", {"b": b"two"})
    await client.log("calls", one, type="dataset")
    await client.log("calls", two, base="calls:v0")

    again = await client.log("calls", two, base="calls:v0")

    assert again.version.version == "v1"
    assert len(uploads) == 3


NAMES = st.text(st.sampled_from("ab/é!"), min_size=1, max_size=4)


@given(st.dictionaries(NAMES, st.binary(max_size=3), max_size=6))
def test_the_client_names_a_version_as_the_server_does(files: dict[str, bytes]) -> None:
    hasher = VersionHasher()
    for path, data in sorted(files.items(), key=lambda item: item[0].encode()):
        hasher.add_stored(path, len(data), digest(data) if data else EMPTY_CONTENT_DIGEST)

    assert hasher.digest() == version_digest(files)
