"""What the metadata store keeps, and when: crashes, full and failing disks, readers and writers."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import StorageFullError, StorageUnavailableError
from hydria_server.domain.records import EntityRecord, StoreInfo, VersionRecord
from hydria_server.storage.metadata.engine import driver_of
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.given import a_chunk, a_line, a_version


async def entity(store: MetadataStore, name: str) -> EntityRecord | None:
    return await store.read(lambda rows: rows.names.entity(name))


async def test_what_was_written_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")

    async def fill(rows: Rows) -> tuple[object, StoreInfo]:
        line = await a_line(rows)
        return await a_version(rows, line.collection_id, tags=["a"]), await rows.store.info()

    version, info = await store.write(fill)
    await store.close()

    assert not (tmp_path / "meta.db-wal").exists(), "the log was folded in"
    again = await SqlMetadataStore.open(tmp_path / "meta.db")
    assert await again.read(lambda rows: rows.versions.by_id(1)) == version
    assert await again.read(lambda rows: rows.store.info()) == info
    await again.close()


async def test_what_was_put_off_and_failed_undoes_its_transaction(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    line = await store.write(a_line)

    async def dangle(rows: Rows) -> None:
        await rows.names.ensure_entity("undone", now_us=1)
        # It is put off until the commit, and there it breaks a foreign key.
        await rows.aliases.point_all(line.collection_id, ["best"], 999, now_us=1)

    with pytest.raises(IntegrityError):
        await store.write(dangle)
    assert await entity(store, "undone") is None

    async def point(rows: Rows) -> dict[str, int]:
        version = await a_version(rows, line.collection_id)
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=2)
        return await rows.aliases.of_collection(line.collection_id)

    assert list(await store.write(point)) == ["best"], "what failed is not tried again"
    await store.close()


async def test_a_read_right_after_a_write_sees_it(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    for at in range(50):  # every reader, and its transaction before, which nobody waited for
        name = f"e{at}"
        await store.write(lambda rows, name=name: rows.names.ensure_entity(name, now_us=1))  # type: ignore[misc]
        assert await entity(store, name) is not None
    await store.close()


async def test_two_stores_have_two_ids(tmp_path: Path) -> None:
    one, two = [await SqlMetadataStore.open(tmp_path / name) for name in ("one.db", "two.db")]
    ids = {(await store.read(lambda rows: rows.store.info())).store_id for store in (one, two)}
    await one.close()
    await two.close()

    assert len(ids) == 2


_KILLED = """
import asyncio, os, pathlib, signal, sys
from hydria_server.storage.metadata.store import SqlMetadataStore

def die(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = await SqlMetadataStore.open(pathlib.Path(sys.argv[1]), failpoint=die)
    await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("step", "kept"), [("metadata.before_commit", False), ("metadata.after_commit", True)]
)
async def test_a_killed_process_leaves_whole_transactions(
    tmp_path: Path, step: str, kept: bool
) -> None:
    path = tmp_path / "meta.db"
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _KILLED, str(path), step], timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL

    store = await SqlMetadataStore.open(path)
    found = await entity(store, "acme")
    await store.close()

    assert (found is not None) is kept


async def test_a_failpoint_before_the_commit_undoes_and_one_after_it_does_not(
    tmp_path: Path,
) -> None:
    reached: list[str] = []

    def fail(step: str) -> None:
        reached.append(step)
        if "@" not in step and reached.count(step) == 1:
            raise LookupError(step)

    store = await SqlMetadataStore.open(tmp_path / "meta.db", failpoint=fail)
    with pytest.raises(LookupError, match="before_commit"):
        await store.write(lambda rows: rows.names.ensure_entity("one", now_us=1))
    with pytest.raises(LookupError, match="after_commit"):
        await store.write(lambda rows: rows.names.ensure_entity("two", now_us=1))
    await store.write(lambda rows: rows.names.ensure_entity("three", now_us=1))
    kept = [name for name in ("one", "two", "three") if await entity(store, name)]
    await store.close()

    assert kept == ["two", "three"]


async def limit_pages(store: SqlMetadataStore, pages: int) -> None:
    """Let the database grow to so many pages and no more: SQLite then calls the disk full."""

    async def limit(connection: AsyncConnection) -> None:
        await (await driver_of(connection)).set_pragma(f"max_page_count = {pages}")

    await store._writer.run(limit)


async def test_a_full_disk_is_said_to_be_full_and_nothing_is_kept(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    acme = await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))

    async def fill(rows: Rows) -> None:
        await rows.names.ensure_entity("other", now_us=1)
        await rows.chunks.put(acme.domain.id, [a_chunk(n) for n in range(10_000)], epoch=1)

    await limit_pages(store, 1)  # which is: not beyond what it has
    for _ in range(2):
        with pytest.raises(StorageFullError) as caught:
            await store.write(fill)
        assert str(tmp_path) not in caught.value.message
    assert await entity(store, "other") is None
    assert await entity(store, "acme") == acme

    await limit_pages(store, 1_000_000)
    await store.write(fill)
    assert await entity(store, "other") is not None
    await store.close()


_DISK_FAILS = """
import asyncio, os, pathlib, resource, sys
from hydria_server.domain.chunks import Location, StoredChunk
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.store import SqlMetadataStore

async def refused(store, work):
    try:
        await store.write(work)
    except StorageUnavailableError as error:
        return error.message
    return "taken"

async def main():
    fatal = []
    store = await SqlMetadataStore.open(pathlib.Path(sys.argv[1]), on_fatal=fatal.append)
    acme = await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))
    chunks = [StoredChunk(os.urandom(32), 1, Location("P", n, 1)) for n in range(20_000)]
    limit = pathlib.Path(sys.argv[1] + "-wal").stat().st_size + 65536
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    print(await refused(store, lambda rows: rows.chunks.put(acme.domain.id, chunks, epoch=1)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(await refused(store, lambda rows: rows.names.ensure_entity("other", now_us=1)))
    print(await store.read(lambda rows: rows.names.entity("acme")) == acme)
    print(await store.read(lambda rows: rows.chunks.find(acme.domain.id, [chunks[0].digest])))
    print([type(error).__name__ for error in fatal])
    await store.close()

asyncio.run(main())
"""


async def test_after_an_error_of_the_disk_no_write_is_taken_and_the_server_is_told(
    tmp_path: Path,
) -> None:
    """A limit on the size of files makes write() fail as a broken disk does."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _DISK_FAILS, str(tmp_path / "meta.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.splitlines() == [
        "the metadata database cannot be used",
        "the metadata store is read-only since its disk failed",
        "True",
        "{}",
        "['StorageUnavailableError']",
    ]
    again = await SqlMetadataStore.open(tmp_path / "meta.db")
    assert await entity(again, "acme") is not None
    await again.close()


async def test_readers_neither_wait_for_a_writer_nor_see_what_it_has_not_committed(
    tmp_path: Path,
) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(rows: Rows) -> None:
        await rows.names.ensure_entity("acme", now_us=1)
        begun.set()
        await go_on.wait()

    writing = asyncio.create_task(store.write(slow))
    await begun.wait()
    during = await entity(store, "acme")
    go_on.set()
    await writing
    after = await entity(store, "acme")
    await store.close()

    assert during is None
    assert after is not None


async def test_a_read_sees_one_snapshot(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")

    async def look_twice(rows: Rows) -> tuple[object, object]:
        before = await rows.names.entity("acme")
        await store.write(lambda others: others.names.ensure_entity("acme", now_us=1))
        return before, await rows.names.entity("acme")

    seen = await store.read(look_twice)
    after = await entity(store, "acme")
    await store.close()

    assert seen == (None, None)
    assert after is not None


async def test_several_reads_go_on_at_once(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    meeting = asyncio.Barrier(4)

    async def meet(rows: Rows) -> StoreInfo:
        await meeting.wait()  # nobody passes before all four are inside
        return await rows.store.info()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.read(meet)) for _ in range(4)]
    await store.close()

    assert len({task.result().store_id for task in tasks}) == 1


async def test_a_look_up_waits_for_no_transaction(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")

    async def fill(rows: Rows) -> VersionRecord:
        return await a_version(rows, (await a_line(rows)).collection_id)

    version = await store.write(fill)
    inside, go_on = asyncio.Barrier(6), asyncio.Event()

    async def hold(rows: Rows) -> None:
        await rows.names.ensure_entity("acme", now_us=1)
        await inside.wait()
        await go_on.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(store.write(hold))
        for _ in range(4):
            group.create_task(store.read(hold))
        await inside.wait()
        found = await store.look_ups.resolve_number("acme", "vision", "cats", 0)
        go_on.set()
    await store.close()

    assert found == version


async def test_a_look_up_in_a_broken_database_says_so_and_later_ones_are_answered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "meta.db"
    store = await SqlMetadataStore.open(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 100000 WHERE name = 'entity'")
        connection.execute("PRAGMA schema_version = 9999")
    connection.close()

    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await store.look_ups.resolve_alias("acme", "vision", "cats", "best")
    await store.close()


async def test_a_write_whose_task_is_cancelled_leaves_a_store_that_works(tmp_path: Path) -> None:
    """Nobody cancels it but a loop that ends: asyncio.run cancels every task."""
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    begun = asyncio.Event()

    async def slow(rows: Rows) -> None:
        await rows.names.ensure_entity("acme", now_us=1)
        begun.set()
        while True:
            await rows.names.entity("acme")

    caller = asyncio.create_task(store.write(slow))
    await begun.wait()
    (task,) = store._writer._running
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert await entity(store, "acme") is None
    await store.write(lambda rows: rows.names.ensure_entity("other", now_us=1))
    assert await entity(store, "other") is not None
    await store.close()


async def test_connections_are_as_safe_as_promised(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")

    async def pragmas(connection: AsyncConnection) -> dict[str, object]:
        async with connection.begin():
            return {
                name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "query_only")
            }

    writer = await store._writer.run(pragmas)
    reader = await store._reader.run(pragmas)
    await store.close()

    safe = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert writer == {**safe, "query_only": 0}
    assert reader == {**safe, "query_only": 1}
