"""Downloaded files are kept, verified whenever they are used, and never in the way."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from blake3 import blake3

from hydria import local_cache
from hydria.client import AsyncClient
from hydria.errors import InvalidArgumentError
from hydria.local_cache import LocalCache
from hydria.options import GIB, CacheUse, TransferOptions
from hydria.threads import Stop
from tests.client.trees import MIB, content, plant, tree_of
from tests.servers import Server

FILES = {"big.bin": content(5 * MIB, 1), "small": content(70_000, 2), "tiny": b"tiny", "empty": b""}
SIZE_BYTES = sum(map(len, FILES.values()))
STOP = Stop()


@pytest.fixture
async def keeping(server: Server, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """Return a client that keeps everything, after a download of `FILES` as `calls:v0`."""
    async with AsyncClient(
        server.address,
        entity="team",
        project="birds",
        cache_dir=tmp_path / "cache",
        options=TransferOptions(cache=CacheUse.ON),
    ) as client:
        await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")
        await client.download("calls", tmp_path / "first")
        shutil.rmtree(tmp_path / "first")
        yield client


def opened(tmp_path: Path, **changes: int) -> LocalCache:
    return LocalCache(tmp_path / "cache", bytes_max=changes.get("bytes_max", GIB))


def kept(tmp_path: Path, data: bytes) -> Path:
    return Path(opened(tmp_path).place_of(blake3(data).digest()))


async def test_what_is_kept_is_not_fetched(keeping: AsyncClient, tmp_path: Path) -> None:
    result = await keeping.download("calls", tmp_path / "copy")

    assert result.received_bytes == 0
    assert tree_of(tmp_path / "copy") == FILES
    info = opened(tmp_path).info()
    assert (info.file_count, info.size_bytes) == (3, SIZE_BYTES)


async def test_a_copy_may_be_written_to(keeping: AsyncClient, tmp_path: Path) -> None:
    await keeping.download("calls", tmp_path / "copy")
    for name in FILES:
        (tmp_path / "copy" / name).write_bytes(b"mine")

    result = await keeping.download("calls", tmp_path / "again")

    assert result.received_bytes == 0
    assert tree_of(tmp_path / "again") == FILES


@pytest.mark.parametrize("how", ["flipped", "truncated", "longer", "missing", "link", "directory"])
async def test_what_is_damaged_is_dropped_and_fetched_again(
    keeping: AsyncClient, tmp_path: Path, how: str
) -> None:
    data = FILES["big.bin"]
    place = kept(tmp_path, data)
    place.unlink()
    match how:
        case "flipped":
            place.write_bytes(data[:MIB] + b"?" + data[MIB + 1 :])
        case "truncated":
            place.write_bytes(data[:-1])
        case "longer":
            place.write_bytes(data + b"!")
        case "link":
            place.symlink_to(plant(tmp_path / "else", {"where": data}) / "where")
        case "directory":
            place.mkdir()

    result = await keeping.download("calls", tmp_path / "copy")

    assert result.received_bytes == len(data)
    assert tree_of(tmp_path / "copy") == FILES
    assert how == "directory" or (place.read_bytes() == data and not place.is_symlink())


async def test_a_kept_file_serves_for_chunks_of_another_version(
    keeping: AsyncClient, tmp_path: Path
) -> None:
    changed = FILES["big.bin"][: 2 * MIB] + b"!" + FILES["big.bin"][2 * MIB :]
    await keeping.log("calls", plant(tmp_path / "next", {"other": changed}))

    result = await keeping.download("calls:v1", tmp_path / "copy")

    assert 0 < result.received_bytes <= 4 * MIB
    assert tree_of(tmp_path / "copy") == {"other": changed}


async def test_a_damaged_file_that_gave_wrong_chunks_is_dropped(
    keeping: AsyncClient, tmp_path: Path
) -> None:
    data = FILES["big.bin"]
    await keeping.log("calls", plant(tmp_path / "next", {"other": data + b"!"}))
    place = kept(tmp_path, data)
    status = place.stat()
    place.write_bytes(bytes(len(data)))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))

    await keeping.download("calls:v1", tmp_path / "copy")

    assert tree_of(tmp_path / "copy") == {"other": data + b"!"}
    assert not place.exists()


async def test_links_are_made_on_request_only(keeping: AsyncClient, tmp_path: Path) -> None:
    await keeping.download("calls", tmp_path / "copy")
    result = await keeping.download("calls", tmp_path / "linked", link=True)

    place = kept(tmp_path, FILES["big.bin"])
    assert result.received_bytes == 0
    assert (tmp_path / "linked/big.bin").samefile(place)
    assert not (tmp_path / "copy/big.bin").samefile(place)
    (tmp_path / "linked/big.bin").write_bytes(b"changes all")
    await keeping.download("calls", tmp_path / "more", link=True)
    assert tree_of(tmp_path / "more") == FILES


async def test_a_first_download_with_links_fills_the_cache(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")

    await client.download("calls", tmp_path / "copy", link=True)

    assert (tmp_path / "copy/tiny").samefile(kept(tmp_path, FILES["tiny"]))
    assert tree_of(tmp_path / "copy") == FILES


@pytest.mark.parametrize("use", [CacheUse.AUTO, CacheUse.OFF])
async def test_where_bytes_cannot_be_shared_nothing_is_written_twice(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: CacheUse
) -> None:
    monkeypatch.setattr(local_cache, "share", lambda source, target: False)
    options = TransferOptions(cache=use)
    async with AsyncClient(
        server.address, project="birds", cache_dir=tmp_path / "cache", options=options
    ) as client:
        await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")
        await client.download("calls", tmp_path / "copy")

    assert opened(tmp_path).info().file_count == 0


async def test_uploads_leave_it_alone(keeping: AsyncClient, tmp_path: Path) -> None:
    await keeping.log("calls", plant(tmp_path / "next", {"new": content(MIB, 9)}))

    assert opened(tmp_path).info().file_count == 3


async def test_a_cache_that_cannot_be_written_is_no_error(
    keeping: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path).clean()

    def full(self: LocalCache, local: str, temporary: str) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(LocalCache, "_copy", full)
    result = await keeping.download("calls", tmp_path / "copy")

    assert result.received_bytes == SIZE_BYTES
    assert tree_of(tmp_path / "copy") == FILES


# --- size ---------------------------------------------------------------------------------------


def add(cache: LocalCache, tmp_path: Path, data: bytes) -> bool:
    file = plant(tmp_path / "to add", {"file": data}) / "file"
    return cache.add(blake3(data).digest(), str(file), len(data))


def get(cache: LocalCache, tmp_path: Path, data: bytes) -> bool:
    target = tmp_path / "got"
    target.unlink(missing_ok=True)
    found = cache.get(blake3(data).digest(), len(data), str(target), STOP)
    assert found == target.exists()
    assert not found or target.read_bytes() == data
    return found


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    datas = [content(1000, seed) for seed in range(4)]
    with opened(tmp_path, bytes_max=3000) as cache:
        for age, data in enumerate(datas[:3]):
            add(cache, tmp_path, data)
            os.utime(cache.place_of(blake3(data).digest()), (1000 + age, 1))
        assert get(cache, tmp_path, datas[0])
        add(cache, tmp_path, datas[3])
    with opened(tmp_path) as cache:
        assert [get(cache, tmp_path, data) for data in datas] == [True, False, True, True]


def test_a_file_that_is_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    with opened(tmp_path, bytes_max=999) as cache:
        assert not add(cache, tmp_path, content(1000))
        assert add(cache, tmp_path, content(999))


def test_cleaning_leaves_what_was_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path) as cache:
        for seed in range(5):
            add(cache, tmp_path, content(1000, seed))
        assert cache.clean(3500).file_count == 2
        assert cache.info().size_bytes == 3000
        assert cache.clean().size_bytes == 3000
        assert cache.info().file_count == 0
        assert cache.clean().file_count == 0


def test_a_file_that_is_removed_beside_a_reader_stays_whole_for_it(tmp_path: Path) -> None:
    data = content(MIB)
    with opened(tmp_path) as cache:
        add(cache, tmp_path, data)
        with Path(cache.place_of(blake3(data).digest())).open("rb") as reader:
            cache.clean()
            assert reader.read() == data
        assert not get(cache, tmp_path, data)


def fill(directory: Path, worker: int) -> int:
    """Add, read and evict files that other processes add, read and evict too."""
    found = 0
    own = directory / f"worker {worker}"
    for seed in range(150):
        data = content(3000, seed % 20)
        with opened(directory, bytes_max=30_000) as cache:
            add(cache, own, data)
            found += get(cache, own, data)
    return found


def test_many_processes_may_fill_it_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("forkserver")) as workers:
        found = list(workers.map(fill, [tmp_path] * 3, range(3)))

    assert all(found)
    assert 0 < opened(tmp_path).info().size_bytes <= 2 * 30_000
    assert {path.name for path in (tmp_path / "cache/objects-v1").glob(".*")} == set()


# --- options ------------------------------------------------------------------------------------


def test_the_environment_says_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRIA_CACHE", "off")
    monkeypatch.setenv("HYDRIA_CACHE_SIZE", "1.5 GiB")
    options = TransferOptions()
    assert (options.cache, options.cache_bytes_max) == (CacheUse.OFF, 3 * GIB // 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HYDRIA_CACHE", "maybe"), ("HYDRIA_CACHE_SIZE", "-1"), ("HYDRIA_CACHE_SIZE", "x")],
)
def test_a_wrong_variable_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidArgumentError, match=name):
        TransferOptions()
