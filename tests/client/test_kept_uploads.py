"""Uploads fill the local cache for who wants that: what was logged here is not fetched here."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from blake3 import blake3

from hydria import scan_cache, scanned_files
from hydria.client import AsyncClient
from hydria.errors import InvalidArgumentError
from hydria.local_cache import LocalCache
from hydria.options import GIB, CacheUse, TransferOptions
from hydria.records import ChunkerParameters
from hydria.scanned_files import ScannedFile
from hydria.threads import Stop
from hydria.upload import keeping
from hydria.upload.keeping import Keeper
from hydria.upload.sources import BytesFile
from hydria.walk import walk
from tests.client.trees import MIB, content, plant, tree_of
from tests.servers import Server

FILES = {"big.bin": content(5 * MIB, 1), "in/small": content(70_000, 2), "tiny": b"x", "empty": b""}


def a_client(
    server: Server,
    tmp_path: Path,
    *,
    cache_uploads: bool = True,
    cache: CacheUse = CacheUse.AUTO,
    bytes_max: int = GIB,
) -> AsyncClient:
    return AsyncClient(
        server.address,
        entity="team",
        project="birds",
        cache_dir=tmp_path / "cache",
        options=TransferOptions(
            cache=cache, cache_uploads=cache_uploads, cache_bytes_max=bytes_max
        ),
    )


@pytest.fixture
async def keeping_client(server: Server, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with a_client(server, tmp_path) as client:
        yield client


def kept(tmp_path: Path) -> LocalCache:
    return LocalCache(tmp_path / "cache", bytes_max=GIB)


async def test_a_version_that_was_logged_here_is_not_fetched_here(
    keeping_client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    await keeping_client.log("calls", plant(tmp_path / "source", FILES), type="dataset")

    async with a_client(server, tmp_path, cache_uploads=False) as another:
        result = await another.download("calls", tmp_path / "copy")

    assert result.received_bytes == 0
    assert tree_of(tmp_path / "copy") == FILES


async def test_a_changed_version_fetches_only_what_changed(
    keeping_client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    data = content(12 * MIB, 7)
    await keeping_client.log("calls", plant(tmp_path / "one", {"big": data}), type="dataset")
    async with AsyncClient(
        server.address, entity="team", project="birds", cache_dir=tmp_path / "other"
    ) as elsewhere:
        changed = data[: 6 * MIB] + b"!" + data[6 * MIB :]
        await elsewhere.log("calls", plant(tmp_path / "two", {"big": changed}))

    result = await keeping_client.download("calls:v1", tmp_path / "copy")

    assert 0 < result.received_bytes <= 4 * MIB
    assert tree_of(tmp_path / "copy") == {"big": changed}


async def test_what_a_draft_captures_is_kept_too(
    keeping_client: AsyncClient, tmp_path: Path
) -> None:
    async with keeping_client.draft("calls", type="dataset") as draft:
        await draft.add_bytes("words", b"from memory")
        await draft.add_dir(plant(tmp_path / "source", FILES))
        await draft.commit()

    result = await keeping_client.download("calls", tmp_path / "copy")

    assert result.received_bytes == 0
    assert tree_of(tmp_path / "copy") == {**FILES, "words": b"from memory"}


async def test_files_that_did_not_change_are_kept_when_they_are_logged_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanned_files, "DISTRUST_NS", -(10**15))
    source = plant(tmp_path / "source", FILES)
    async with a_client(server, tmp_path, cache_uploads=False) as client:
        await client.log("calls", source, type="dataset")
    assert kept(tmp_path).info().file_count == 0

    async with a_client(server, tmp_path) as client:
        again = await client.log("calls", source)
        result = await client.download("calls", tmp_path / "copy")

    assert not again.created
    assert result.received_bytes == 0
    assert tree_of(tmp_path / "copy") == FILES


async def test_uploads_keep_to_the_limit(server: Server, tmp_path: Path) -> None:
    files = {f"{number}": content(100_000, number) for number in range(30)}
    async with a_client(server, tmp_path, bytes_max=1_000_000) as client:
        await client.log("calls", plant(tmp_path / "source", files), type="dataset")

    assert 0 < kept(tmp_path).info().size_bytes <= 1_000_000


async def test_a_cache_that_is_off_stays_empty(server: Server, tmp_path: Path) -> None:
    async with a_client(server, tmp_path, cache=CacheUse.OFF) as client:
        await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")

    assert kept(tmp_path).info().file_count == 0


async def test_a_full_disk_under_the_cache_is_no_error_of_an_upload(
    keeping_client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keeping, "copy_verified", full)
    logged = await keeping_client.log("calls", plant(tmp_path / "s", FILES), type="dataset")

    assert logged.created
    assert kept(tmp_path).info().file_count == 0
    assert list((tmp_path / "cache/objects-v1").glob(".*")) == []


def test_a_file_that_changed_since_it_was_scanned_is_not_kept(tmp_path: Path) -> None:
    (source,) = walk([plant(tmp_path / "source", {"file": b"new"})])
    cache = LocalCache(tmp_path / "cache", bytes_max=GIB, use=CacheUse.ON)
    memory = scan_cache.ScanCache(tmp_path / "cache", ChunkerParameters())
    with memory, Keeper(cache, memory, Stop()) as keeper:
        keeper.keep(source, ScannedFile(blake3(b"old").digest()))
        keeper.keep(BytesFile("other", b"yes"), ScannedFile(blake3(b"yes").digest()))

    assert [file.status.st_size for file in cache.files()] == [3]
    assert Path(cache.place_of(blake3(b"yes").digest())).read_bytes() == b"yes"


def test_the_environment_says_whether_uploads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not TransferOptions().cache_uploads
    monkeypatch.setenv("HYDRIA_CACHE_UPLOADS", "on")
    assert TransferOptions().cache_uploads
    monkeypatch.setenv("HYDRIA_CACHE_UPLOADS", "1")
    with pytest.raises(InvalidArgumentError, match="HYDRIA_CACHE_UPLOADS"):
        TransferOptions()
