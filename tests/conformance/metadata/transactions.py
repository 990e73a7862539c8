"""What must be true of transactions."""

from __future__ import annotations

import asyncio

import pytest

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.domain.records import EntityRecord
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line


async def entity(store: MetadataStore, name: str) -> EntityRecord | None:
    return await store.read(lambda rows: rows.names.entity(name))


class TransactionsContract:
    async def test_the_store_tells_what_it_is(self, store: MetadataStore) -> None:
        info = await store.read(lambda rows: rows.store.info())

        assert info.store_id
        assert info.epoch >= 1
        assert info.digest_function == 1
        assert await store.write(lambda rows: rows.store.info()) == info

    async def test_a_write_returns_what_its_work_returns(self, store: MetadataStore) -> None:
        made = await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))

        assert await entity(store, "acme") == made

    async def test_a_write_that_fails_keeps_nothing_and_raises_what_was_raised(
        self, store: MetadataStore
    ) -> None:
        async def fail(rows: Rows) -> None:
            await a_line(rows)
            raise LookupError("the work's own")

        with pytest.raises(LookupError, match="the work's own"):
            await store.write(fail)

        assert await entity(store, "acme") is None
        await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))

    async def test_writing_in_a_read_is_an_error(self, store: MetadataStore) -> None:
        with pytest.raises(Exception, match=r"read-?only"):
            await store.read(lambda rows: rows.names.ensure_entity("acme", now_us=1))

        assert await entity(store, "acme") is None
        await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))

    async def test_writes_are_serialized(self, store: MetadataStore) -> None:
        line = await store.write(a_line)

        async def read_then_write(rows: Rows) -> int:
            before = await rows.names.collection_by_id(line.collection_id)
            await asyncio.sleep(0)  # whoever may run beside it, runs now
            await rows.names.update_collection(
                line.collection_id, description=before.description + "x", tags=None, now_us=1
            )
            return await rows.names.take_version_number(line.collection_id)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(store.write(read_then_write)) for _ in range(20)]

        assert [task.result() for task in tasks] == list(range(20)), "in the order of asking"
        after = await store.read(lambda rows: rows.names.collection_by_id(line.collection_id))
        assert after.description == "x" * 20

    async def test_a_cancelled_caller_does_not_undo_its_write(self, store: MetadataStore) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(rows: Rows) -> Line:
            line = await a_line(rows)
            begun.set()
            await go_on.wait()
            await a_line(rows, collection="dogs")
            return line

        caller = asyncio.create_task(store.write(slow))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller  # at once, though the write has not ended
        go_on.set()

        project = await store.write(lambda rows: rows.names.project("acme", "vision"))
        assert project is not None
        assert project.collection_count == 2

    async def test_who_is_cancelled_while_waiting_has_begun_nothing(
        self, store: MetadataStore
    ) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(_rows: Rows) -> None:
            begun.set()
            await go_on.wait()

        first = asyncio.create_task(store.write(slow))
        await begun.wait()
        waiting = asyncio.create_task(
            store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))
        )
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        await first

        assert await entity(store, "acme") is None

    async def test_a_cancelled_reader_leaves_the_store_as_good_as_before(
        self, store: MetadataStore
    ) -> None:
        line = await store.write(a_line)

        async def endless(rows: Rows) -> None:
            for _ in range(50):
                await rows.names.collection_by_id(line.collection_id)

        for round_ in range(20):
            readers = [asyncio.create_task(store.read(endless)) for _ in range(3)]
            for _ in range(round_):
                await asyncio.sleep(0)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

        found = await entity(store, "acme")
        assert found == line.entity

    async def test_close_waits_for_what_has_begun(self, store: MetadataStore) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()
        done: list[str] = []

        async def slow(rows: Rows) -> None:
            begun.set()
            await go_on.wait()
            await rows.names.ensure_entity("acme", now_us=1)
            done.append("write")

        caller = asyncio.create_task(store.write(slow))
        await begun.wait()
        caller.cancel()
        closing = asyncio.create_task(store.close())
        closing.add_done_callback(lambda _: done.append("close"))
        await asyncio.sleep(0)
        go_on.set()
        await closing

        assert done == ["write", "close"]

    async def test_a_closed_store_stays_closed(self, store: MetadataStore) -> None:
        await store.close()
        await store.close()

        with pytest.raises(StorageUnavailableError):
            await store.read(lambda rows: rows.store.info())
        with pytest.raises(StorageUnavailableError):
            await store.write(lambda rows: rows.store.info())
