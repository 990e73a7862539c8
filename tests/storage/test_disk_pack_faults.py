"""What a disk pack store does when the disk does not sync, or fills up."""

from __future__ import annotations

import asyncio
import errno
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hydria_server.domain.chunks import StoredChunk
from hydria_server.domain.errors import StorageFullError, StorageUnavailableError
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.record import record_bytes
from hydria_server.storage.packs.scan import scan
from tests.conformance.pack_store import append, chunks_of, data_of, read
from tests.storage.disk_pack_rig import DiskRig


@pytest.fixture
def rig(tmp_path: Path) -> DiskRig:
    return DiskRig(tmp_path)


@pytest.fixture
async def store(rig: DiskRig) -> AsyncIterator[DiskPackStore]:
    store = await rig.open()
    yield store
    await store.close()


# --- a failed sync is fatal ----------------------------------------------------------------------


async def test_a_failed_sync_is_told_once_and_with_its_reason(
    rig: DiskRig, store: DiskPackStore
) -> None:
    rig.fail_syncs()
    for seed in range(3):
        with pytest.raises(StorageUnavailableError):
            await append(store, chunks_of(10, seed=seed))

    (reason,) = rig.fatal
    assert "Input/output error" in str(reason)


async def test_after_a_failed_sync_the_pack_is_never_written_again(
    rig: DiskRig, store: DiskPackStore
) -> None:
    (found,) = await append(store, chunks_of(10))
    path = rig.path_of(found.location.pack_id)
    rig.fail_syncs()
    with pytest.raises(StorageUnavailableError):
        await append(store, chunks_of(10, seed=1))
    rig.heal_syncs()
    writes, before = rig.disk.writes, path.read_bytes()

    with pytest.raises(StorageUnavailableError):
        await append(store, chunks_of(10, seed=2))
    await store.close()

    assert rig.disk.writes == writes
    assert path.read_bytes() == before
    assert rig.layout.open_packs() == [found.location.pack_id]


async def test_a_failed_sync_fails_all_that_wait(rig: DiskRig, store: DiskPackStore) -> None:
    await append(store, chunks_of(10))
    at_sync, go_on = threading.Event(), threading.Event()

    def fail_once_all_wait() -> None:
        at_sync.set()
        assert go_on.wait(30)
        rig.fail_syncs()

    rig.disk.before_sync = fail_once_all_wait
    first = asyncio.create_task(append(store, chunks_of(10, seed=1)))
    await asyncio.to_thread(at_sync.wait, 30)
    waiting = [asyncio.create_task(append(store, chunks_of(10, seed=s))) for s in range(2, 9)]
    await asyncio.sleep(0)
    go_on.set()

    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)

    assert all(isinstance(outcome, StorageUnavailableError) for outcome in outcomes)


async def test_a_pack_whose_creation_cannot_be_synced_is_fatal(rig: DiskRig) -> None:
    store = await rig.open()
    rig.fail_syncs()

    with pytest.raises(StorageUnavailableError):
        await append(store, chunks_of(10))

    assert len(rig.fatal) == 1
    await store.close()


async def test_a_seal_that_cannot_be_synced_is_fatal_but_takes_back_no_acknowledgement(
    rig: DiskRig,
) -> None:
    store = await rig.open(seal_bytes=1000)
    rig.failpoint = lambda name: rig.fail_syncs() if name == "packs.before_seal" else None
    found = await append(store, chunks_of(2000))

    with pytest.raises(StorageUnavailableError):
        await append(store, chunks_of(10, seed=1))

    assert len(rig.fatal) == 1
    assert await read(store, found) == data_of(chunks_of(2000))
    await store.close()


async def test_a_write_that_fails_for_no_lack_of_room_is_fatal(
    rig: DiskRig, store: DiskPackStore
) -> None:
    await append(store, chunks_of(10))
    rig.disk.write_errors = iter([errno.EIO])

    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await append(store, chunks_of(10, seed=1))

    assert len(rig.fatal) == 1


async def test_a_store_cannot_be_opened_on_a_disk_that_does_not_sync(rig: DiskRig) -> None:
    rig.fail_syncs()

    with pytest.raises(StorageUnavailableError, match="Input/output error"):
        await rig.open()


# --- no room -------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
async def test_a_disk_that_fills_up_in_mid_write_costs_that_append_only(
    rig: DiskRig, store: DiskPackStore, error: int
) -> None:
    before = await append(store, chunks_of(100))
    rig.disk.write_limit_bytes = 1000
    rig.disk.write_errors = iter([None, None, error])
    with pytest.raises(StorageFullError):
        await append(store, chunks_of(5000, seed=1))
    rig.disk.write_limit_bytes = None

    after = await append(store, chunks_of(200, seed=2))

    assert rig.fatal == []
    assert after[0].location.pack_id != before[0].location.pack_id
    assert await read(store, before + after) == data_of(chunks_of(100) + chunks_of(200, seed=2))


async def test_the_pack_that_filled_the_disk_is_sealed_with_its_torn_tail(
    rig: DiskRig, store: DiskPackStore
) -> None:
    before = await append(store, chunks_of(100))
    rig.disk.write_limit_bytes = 1000
    rig.disk.write_errors = iter([None, errno.ENOSPC])
    with pytest.raises(StorageFullError):
        await append(store, chunks_of(5000, seed=1))

    sealed = rig.layout.sealed_path(before[0].location.pack_id)
    assert sealed.stat().st_size == 32 + record_bytes(100) + 1000
    assert [record.chunk for record in scan(sealed)] == before
    assert (await store.usage()).stored_bytes == sealed.stat().st_size


async def test_a_disk_too_full_for_a_new_pack_leaves_none(
    rig: DiskRig, store: DiskPackStore
) -> None:
    rig.disk.write_errors = iter([errno.ENOSPC])
    with pytest.raises(StorageFullError):
        await append(store, chunks_of(10))
    assert list(rig.root.rglob("*.pack")) == []

    assert await read(store, await append(store, chunks_of(10))) == data_of(chunks_of(10))


async def test_a_process_that_can_open_no_more_files_may_succeed_later(
    rig: DiskRig, store: DiskPackStore
) -> None:
    rig.disk.write_errors = iter([errno.EMFILE])
    with pytest.raises(StorageUnavailableError):
        await append(store, chunks_of(10))

    assert rig.fatal == []
    assert await read(store, await append(store, chunks_of(10))) == data_of(chunks_of(10))


async def test_a_pack_that_cannot_be_sealed_stays_where_it_is_and_readable(rig: DiskRig) -> None:
    store = await rig.open(seal_bytes=1000)
    shutil.rmtree(rig.layout.sealed)
    rig.layout.sealed.write_bytes(b"in the way of every directory that a seal would make")
    found = await append(store, chunks_of(2000))
    found += await append(store, chunks_of(2000, seed=1))
    assert len(rig.layout.open_packs()) == 2
    rig.layout.sealed.unlink()
    rig.layout.sealed.mkdir()

    assert await read(store, found) == data_of(chunks_of(2000) + chunks_of(2000, seed=1))
    await store.close()
    again = await rig.open()
    assert rig.layout.open_packs() == []
    assert await read(again, found) == data_of(chunks_of(2000) + chunks_of(2000, seed=1))
    await again.close()


async def test_appends_leave_the_reserve_free(rig: DiskRig) -> None:
    store = await rig.open(reserve_bytes=10_000)
    rig.leave_room(10_000 + record_bytes(500))

    with pytest.raises(StorageFullError):
        await append(store, chunks_of(505))

    await append(store, chunks_of(500))
    await store.close()


async def test_appends_of_one_group_do_not_share_the_same_room(
    rig: DiskRig, store: DiskPackStore
) -> None:
    at_sync, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_sync.set()
        assert go_on.wait(30)

    rig.disk.before_sync = hold
    rig.leave_room(2 * record_bytes(500))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(append(store, chunks_of(1)))
        await asyncio.to_thread(at_sync.wait, 30)
        group = asyncio.gather(
            *[append(store, chunks_of(500, seed=seed)) for seed in range(3)],
            return_exceptions=True,
        )
        await asyncio.sleep(0)
        go_on.set()

    assert [isinstance(outcome, StorageFullError) for outcome in await group] == [
        False,
        False,
        True,
    ]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 1 MiB and 20 files."""
    root = tmp_path / "tiny"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "tmpfs", str(root)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield root
    subprocess.run(["umount", "--lazy", str(root)], check=True)


async def test_a_disk_that_is_really_full_is_no_catastrophe(tiny_disk: Path) -> None:
    # A reserve below zero lets the disk itself say that it is full.
    store = await DiskPackStore.open(tiny_disk / "packs", reserve_bytes=-(1 << 30))
    found: list[StoredChunk] = []
    refusals = 0
    for seed in range(15):
        try:
            found += await append(store, chunks_of(100_000, seed=seed))
        except StorageFullError:
            refusals += 1

    wanted = [data for seed in range(len(found)) for data in data_of(chunks_of(100_000, seed=seed))]
    assert len(found) >= 5
    assert refusals == 15 - len(found)
    assert await read(store, found) == wanted
    await store.close()


async def test_a_disk_without_room_for_another_name_can_still_be_read(tiny_disk: Path) -> None:
    layout = PackLayout(tiny_disk / "packs")
    store = await DiskPackStore.open(layout.root, reserve_bytes=0)
    found = await append(store, chunks_of(100))
    await store.close()
    sealed = layout.sealed_path(found[0].location.pack_id)
    sealed.rename(layout.open / sealed.name)
    sealed.parent.rmdir()
    fill_with_names(tiny_disk)

    again = await DiskPackStore.open(layout.root, reserve_bytes=0)

    assert await read(again, found) == data_of(chunks_of(100))
    assert (await again.usage()).pack_count == 1
    with pytest.raises(StorageFullError):
        await append(again, chunks_of(100, seed=1))
    await again.close()


def fill_with_names(directory: Path) -> None:
    with suppress(OSError):
        for number in range(100):
            (directory / str(number)).touch()
    assert not (directory / "99").exists()
