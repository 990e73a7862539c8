"""The pack store on a disk: its contract, and what only a disk can do to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hydria_server.domain.chunks import Chunk
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.scan import scan
from hydria_server.storage.packs.writer import APPENDS_WAITING_MAX, GROUP_BYTES
from tests.conformance.pack_store import (
    PackStoreContract,
    append,
    chunks_of,
    data_of,
    read,
)
from tests.storage.disk_pack_rig import DiskRig


@pytest.fixture
def rig(tmp_path: Path) -> DiskRig:
    return DiskRig(tmp_path)


@pytest.fixture
async def store(rig: DiskRig) -> AsyncIterator[DiskPackStore]:
    store = await rig.open()
    yield store
    await store.close()


@pytest.fixture
def rig_of_nobody() -> Iterator[DiskRig]:
    """Give up root, whom no permission stops, and give a rig to whoever is left."""
    directory = Path(tempfile.mkdtemp())
    was_root = os.geteuid() == 0
    if was_root:
        os.chown(directory, 65534, 65534)
        os.seteuid(65534)
    yield DiskRig(directory)
    if was_root:
        os.seteuid(0)
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(directory)


class TestDiskPackStore(PackStoreContract):
    """The same sentences, on a real disk."""


# --- sealing -------------------------------------------------------------------------------------


async def test_a_pack_is_open_until_it_is_large_enough_then_sealed(rig: DiskRig) -> None:
    store = await rig.open(seal_bytes=1000)
    (small,) = await append(store, chunks_of(100))
    pack_id = small.location.pack_id
    assert rig.layout.open_path(pack_id).exists()

    (large,) = await append(store, chunks_of(1000, seed=1))
    (next_one,) = await append(store, chunks_of(10, seed=2))

    assert large.location.pack_id == pack_id
    assert rig.layout.sealed_path(pack_id).exists()
    assert rig.layout.open_packs() == [next_one.location.pack_id]
    await store.close()
    assert rig.layout.open_packs() == []


async def test_a_pack_that_was_read_before_it_was_sealed_is_read_after(rig: DiskRig) -> None:
    store = await rig.open(seal_bytes=1000)
    before = await append(store, chunks_of(100))
    assert await read(store, before) == data_of(chunks_of(100))

    after = await append(store, chunks_of(2000, seed=1))

    assert await read(store, [*before, *after]) == data_of(chunks_of(100) + chunks_of(2000, seed=1))
    await store.close()


async def test_what_a_crash_left_open_is_sealed_as_it_is(rig: DiskRig) -> None:
    store = await rig.open()
    found = await append(store, chunks_of(100, 200))
    await store.close()
    pack_id = found[0].location.pack_id
    rig.path_of(pack_id).rename(rig.layout.open_path(pack_id))
    with rig.layout.open_path(pack_id).open("ab") as file:
        file.write(b"HYRC and then the power failed")
    torn = rig.layout.open_path(pack_id).read_bytes()

    again = await rig.open()

    assert rig.layout.open_packs() == []
    assert rig.layout.sealed_path(pack_id).read_bytes() == torn
    assert await read(again, found) == data_of(chunks_of(100, 200))
    assert [record.chunk for record in scan(rig.path_of(pack_id))] == found
    await again.close()


async def test_a_pack_that_was_never_finished_being_made_is_no_obstacle(rig: DiskRig) -> None:
    await (await rig.open()).close()
    rig.layout.open_path("0" * 26).write_bytes(b"")
    rig.layout.open_path("1" * 26).write_bytes(b"HYDRPACK")

    again = await rig.open()

    assert rig.layout.open_packs() == []
    assert await read(again, await append(again, chunks_of(10))) == data_of(chunks_of(10))
    await again.close()


async def test_files_that_are_not_packs_are_left_alone(rig: DiskRig) -> None:
    await (await rig.open()).close()
    strangers = [rig.layout.open / name for name in ("notes.txt", ".nfs0001", "short.pack")]
    for stranger in strangers:
        stranger.write_text("mine")

    store = await rig.open()

    assert all(stranger.read_text() == "mine" for stranger in strangers)
    assert (await store.usage()).pack_count == 0
    await store.close()


async def test_a_pack_that_a_crash_left_in_both_places_is_one_pack(rig: DiskRig) -> None:
    store = await rig.open()
    found = await append(store, chunks_of(10))
    await store.close()
    pack_id = found[0].location.pack_id
    rig.layout.open_path(pack_id).hardlink_to(rig.layout.sealed_path(pack_id))

    again = await rig.open()

    assert rig.layout.open_packs() == []
    assert await read(again, found) == data_of(chunks_of(10))
    await again.close()


async def test_a_sealed_pack_is_never_replaced_by_another_of_its_name(rig: DiskRig) -> None:
    store = await rig.open()
    found = await append(store, chunks_of(10))
    await store.close()
    pack_id = found[0].location.pack_id
    sealed = rig.layout.sealed_path(pack_id).read_bytes()
    rig.layout.open_path(pack_id).write_bytes(b"another")

    with pytest.raises(StorageUnavailableError, match=pack_id):
        await rig.open()

    assert rig.layout.sealed_path(pack_id).read_bytes() == sealed


# --- group commit --------------------------------------------------------------------------------


async def test_appends_that_wait_for_one_sync_share_the_next(
    rig: DiskRig, store: DiskPackStore
) -> None:
    at_first_sync, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_first_sync.set()
        assert go_on.wait(30)

    rig.disk.before_sync = hold
    groups = [chunks_of(100, 200, seed=seed) for seed in range(50)]
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(append(store, groups[0]))
        await asyncio.to_thread(at_first_sync.wait, 30)
        waiting = [tasks.create_task(append(store, group)) for group in groups[1:]]
        await asyncio.sleep(0)
        go_on.set()

    assert rig.disk.data_syncs == 2
    for task, group in zip([first, *waiting], groups, strict=True):
        assert await read(store, task.result()) == data_of(group)


async def test_a_group_is_bounded(rig: DiskRig, store: DiskPackStore) -> None:
    at_first_sync, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_first_sync.set()
        assert go_on.wait(30)

    rig.disk.before_sync = hold
    chunk = Chunk(bytes(32), bytes(GROUP_BYTES // 4))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(append(store, chunks_of(1)))
        await asyncio.to_thread(at_first_sync.wait, 30)
        for _ in range(8):
            tasks.create_task(append(store, [chunk]))
        await asyncio.sleep(0)
        go_on.set()

    assert rig.disk.data_syncs == 3


async def test_a_caller_cancelled_during_the_sync_takes_nobody_with_it(
    rig: DiskRig, store: DiskPackStore
) -> None:
    at_sync, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_sync.set()
        assert go_on.wait(30)

    rig.disk.before_sync = hold
    doomed = asyncio.create_task(append(store, chunks_of(10)))
    await asyncio.to_thread(at_sync.wait, 30)
    survivor = asyncio.create_task(append(store, chunks_of(20, seed=1)))
    await asyncio.sleep(0)
    doomed.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await doomed
    assert await read(store, await survivor) == data_of(chunks_of(20, seed=1))


async def test_more_pieces_than_one_call_takes_are_written_in_several(
    rig: DiskRig, store: DiskPackStore
) -> None:
    chunks = chunks_of(*[i % 20 for i in range(3000)])

    found = await append(store, chunks)

    assert rig.disk.data_syncs == 1
    assert await read(store, found) == data_of(chunks)


@pytest.mark.parametrize("limit_bytes", [1, 7, 100, 4096])
async def test_short_writes_are_carried_on(
    rig: DiskRig, store: DiskPackStore, limit_bytes: int
) -> None:
    rig.disk.write_limit_bytes = limit_bytes

    found = await append(store, chunks_of(0, 1, 500, 33))

    assert await read(store, found) == data_of(chunks_of(0, 1, 500, 33))


async def test_an_append_that_was_not_accepted_before_the_close_is_refused(
    rig: DiskRig, store: DiskPackStore
) -> None:
    at_sync, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_sync.set()
        assert go_on.wait(30)

    rig.disk.before_sync = hold
    many = 2 * APPENDS_WAITING_MAX
    appends = [asyncio.create_task(append(store, chunks_of(9, seed=s))) for s in range(many)]
    await asyncio.to_thread(at_sync.wait, 30)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing

    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, list)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, StorageUnavailableError)]
    assert len(accepted) == APPENDS_WAITING_MAX
    assert len(refused) == many - APPENDS_WAITING_MAX


# --- opening and closing -------------------------------------------------------------------------


async def test_a_root_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "packs").write_text("not a directory")

    with pytest.raises(StorageUnavailableError, match=str(tmp_path / "packs")):
        await DiskPackStore.open(tmp_path / "packs")


@pytest.mark.parametrize("made_before", [True, False])
async def test_a_read_only_directory_is_refused_by_name(
    rig_of_nobody: DiskRig, made_before: bool
) -> None:
    rig = rig_of_nobody
    rig.root.mkdir()
    if made_before:
        await (await rig.open()).close()
    for directory in (rig.root, *rig.root.iterdir()):
        directory.chmod(0o500)

    with pytest.raises(StorageUnavailableError, match=str(rig.root)):
        await rig.open()


async def test_nobody_else_on_the_machine_can_read_packs(rig: DiskRig) -> None:
    store = await rig.open()
    await append(store, chunks_of(10))
    await store.close()

    assert {oct(path.stat().st_mode & 0o777) for path in rig.root.rglob("*.pack")} == {"0o600"}
    assert rig.root.stat().st_mode & 0o777 == 0o700


async def test_a_closed_store_leaves_no_thread_and_no_file_open(rig: DiskRig) -> None:
    threads = set(threading.enumerate())
    store = await rig.open(seal_bytes=1)
    found = [one for seed in range(5) for one in await append(store, chunks_of(9, seed=seed))]
    await read(store, found)
    assert len(set(rig.open_files())) == 5

    await store.close()

    assert rig.open_files() == []
    left = set(threading.enumerate()) - threads
    assert not [thread for thread in left if thread.name.startswith("hydria-pack")]


async def test_a_store_closed_before_anything_was_stored_leaves_no_pack(rig: DiskRig) -> None:
    await (await rig.open()).close()

    assert list(rig.root.rglob("*.pack")) == []
