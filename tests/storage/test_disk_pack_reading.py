"""How a disk pack store reads: few calls, and no healthy chunk ever called corrupt."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from xxhash import xxh3_64_digest

from hydria_server.domain.chunks import Chunk, StoredChunk
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.pack_files import OPEN_FILES_MAX, PackFiles
from hydria_server.storage.packs.reader import RUN_BYTES
from hydria_server.storage.packs.record import record_bytes
from tests.conformance.pack_store import DOMAIN, append, chunks_of, data_of, read, require_corrupt
from tests.storage.disk_pack_rig import DiskRig


@pytest.fixture
def rig(tmp_path: Path) -> DiskRig:
    return DiskRig(tmp_path)


@pytest.fixture
async def store(rig: DiskRig) -> AsyncIterator[DiskPackStore]:
    store = await rig.open()
    yield store
    await store.close()


async def test_a_bad_sector_condemns_its_own_chunk_only(rig: DiskRig, store: DiskPackStore) -> None:
    one, bad, other = await append(store, chunks_of(100, 100, 100))
    sector = bad.location.offset + 90
    rig.disk.read_error = lambda at, size: errno.EIO if at <= sector < at + size else None

    await require_corrupt(store, [one, bad, other], bad)
    assert await read(store, [one, other]) == [
        data for i, data in enumerate(data_of(chunks_of(100, 100, 100))) if i != 1
    ]


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOMEM, errno.EACCES])
async def test_a_machine_in_need_does_not_make_a_healthy_chunk_corrupt(
    rig: DiskRig, store: DiskPackStore, error: int
) -> None:
    found = await append(store, chunks_of(100))
    rig.disk.read_error = lambda _at, _size: error
    with pytest.raises(StorageUnavailableError):
        await store.read(DOMAIN, found)
    rig.disk.read_error = lambda _at, _size: None

    assert await read(store, found) == data_of(chunks_of(100))


async def test_a_disk_that_is_not_there_does_not_make_every_chunk_corrupt(
    rig: DiskRig, store: DiskPackStore
) -> None:
    found = await append(store, chunks_of(100))
    away = rig.root.rename(rig.directory / "away")
    with pytest.raises(StorageUnavailableError):
        await store.read(DOMAIN, found)
    away.rename(rig.root)

    assert await read(store, found) == data_of(chunks_of(100))


async def test_a_record_of_a_newer_server_is_not_called_corrupt(
    rig: DiskRig, store: DiskPackStore
) -> None:
    (found,) = await append(store, chunks_of(100))
    path = rig.path_of(found.location.pack_id)
    pack = bytearray(path.read_bytes())
    guarded = slice(found.location.offset, found.location.offset + 72)
    pack[found.location.offset + 4] = 2
    pack[guarded.stop : guarded.stop + 8] = xxh3_64_digest(pack[guarded])[::-1]
    path.write_bytes(pack)

    with pytest.raises(StorageUnavailableError, match="newer"):
        await store.read(DOMAIN, [found])


async def test_neighbours_are_read_together(rig: DiskRig, store: DiskPackStore) -> None:
    chunks = chunks_of(*[10_000] * 100)
    found = await append(store, chunks)

    assert await read(store, found[::-1]) == data_of(chunks)[::-1]

    assert rig.disk.reads == [(32, 100 * record_bytes(10_000))]


async def test_no_read_takes_more_than_four_mebibytes_at_once(
    rig: DiskRig, store: DiskPackStore
) -> None:
    found = await append(store, [Chunk(bytes(32), bytes(1_500_000))] * 5)

    await store.read(DOMAIN, found)

    assert len(rig.disk.reads) == 3
    assert max(size for _, size in rig.disk.reads) <= RUN_BYTES


async def test_a_gap_between_chunks_is_not_read(rig: DiskRig, store: DiskPackStore) -> None:
    found = await append(store, chunks_of(10, 20, 30))

    await read(store, [found[0], found[2]])

    assert [size for _, size in rig.disk.reads] == [record_bytes(10), record_bytes(30)]


async def test_reads_that_come_in_parts_are_put_together(
    rig: DiskRig, store: DiskPackStore
) -> None:
    chunks = chunks_of(3000, 0, 500)
    found = await append(store, chunks)
    rig.disk.read_limit_bytes = 700

    assert await read(store, found) == data_of(chunks)


async def test_only_so_many_packs_are_kept_open(rig: DiskRig) -> None:
    store = await rig.open(seal_bytes=1)
    for seed in range(OPEN_FILES_MAX + 10):
        await append(store, chunks_of(9, seed=seed))
    await store.close()
    files = PackFiles(rig.layout)

    for path in rig.root.rglob("*.pack"):
        assert os.pread(files.descriptor(path.stem), 8, 0) == b"HYDRPACK"

    assert len(rig.open_files()) == OPEN_FILES_MAX
    files.close()
    assert rig.open_files() == []


async def test_the_pack_read_last_is_closed_last(rig: DiskRig) -> None:
    store = await rig.open(seal_bytes=1)
    found = [
        one
        for seed in range(OPEN_FILES_MAX + 1)
        for one in await append(store, chunks_of(9, seed=seed))
    ]
    await store.close()
    first, second, *others, last = [one.location.pack_id for one in found]
    files = PackFiles(rig.layout)

    for pack_id in (first, second, *others, first, last):
        files.descriptor(pack_id)

    assert first in rig.open_files()
    assert second not in rig.open_files()
    files.close()


async def test_no_pack_id_leads_out_of_the_store(rig: DiskRig, store: DiskPackStore) -> None:
    (found,) = await append(store, chunks_of(9))
    shutil.copy(rig.path_of(found.location.pack_id), rig.directory / "outside.pack")
    outside = replace(found, location=replace(found.location, pack_id="../../outside"))

    await require_corrupt(store, [outside], outside)


async def test_a_wrong_length_spoils_no_other_chunk_at_the_same_place(store: DiskPackStore) -> None:
    (found,) = await append(store, chunks_of(500))
    wrong = StoredChunk(bytes(32), 10, replace(found.location, stored_bytes=10))

    await require_corrupt(store, [found, wrong], wrong)
    await require_corrupt(store, [wrong, found], wrong)
