"""What every pack store must do: one test for each sentence of its interface."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.domain.errors import (
    ChunkCorruptError,
    StorageFullError,
    StorageUnavailableError,
)
from hydria_server.storage.packs.interface import PackStore
from hydria_server.storage.packs.record import RECORD_HEADER_BYTES, record_bytes

DOMAIN = b"domain-of-a-team"
OTHER_DOMAIN = b"domain-of-others"


class PackStoreRig(Protocol):
    """A store that can be opened again, and harmed in the ways that a store meets."""

    async def open(self, *, seal_bytes: int = 1 << 27) -> PackStore:
        """Open the store; what an earlier one stored is there."""
        ...

    async def crash(self, store: PackStore) -> None:
        """End `store` as a power failure would: nothing that it did not sync is left."""
        ...

    def flip_byte(self, location: Location, at: int) -> None:
        """Damage one byte of the record at `location`."""
        ...

    def cut(self, location: Location, at: int) -> None:
        """End the pack after `at` bytes of the record at `location`."""
        ...

    def lose(self, pack_id: str) -> None:
        """Remove the pack."""
        ...

    def leave_room(self, size_bytes: int) -> None:
        """Let the store have room for so many bytes more, and not for one record beyond them."""
        ...

    def fail_syncs(self) -> None:
        """Let every sync from now on fail."""
        ...

    def heal_syncs(self) -> None:
        """Let syncs succeed again."""
        ...


def chunks_of(*sizes: int, seed: int = 0) -> list[Chunk]:
    """Return chunks of these sizes in bytes; no two calls with another seed share a digest."""
    source = random.Random(seed)
    return [Chunk(source.randbytes(32), source.randbytes(size)) for size in sizes]


def stored(chunks: Sequence[Chunk], locations: Sequence[Location]) -> list[StoredChunk]:
    """Return what an index would remember of an append."""
    return [
        StoredChunk(chunk.digest, chunk.size_bytes, location)
        for chunk, location in zip(chunks, locations, strict=True)
    ]


async def append(store: PackStore, chunks: Sequence[Chunk]) -> list[StoredChunk]:
    """Store `chunks` and return what an index would remember."""
    return stored(chunks, await store.append(DOMAIN, chunks))


async def read(store: PackStore, chunks: Sequence[StoredChunk]) -> list[bytes]:
    """Return copies of the payloads."""
    return [bytes(payload) for payload in await store.read(DOMAIN, chunks)]


def data_of(chunks: Sequence[Chunk]) -> list[bytes]:
    """Return the bytes of `chunks`."""
    return [bytes(chunk.data) for chunk in chunks]


async def require_corrupt(
    store: PackStore, chunks: Sequence[StoredChunk], first_bad: StoredChunk
) -> None:
    """Fail unless reading `chunks` is refused because of `first_bad`."""
    with pytest.raises(ChunkCorruptError) as caught:
        await store.read(DOMAIN, chunks)
    assert caught.value.digest == first_bad.digest


class PackStoreContract:
    """Inherit it, and give a fixture `rig`."""

    @pytest.fixture
    async def store(self, rig: PackStoreRig) -> AsyncIterator[PackStore]:
        store = await rig.open()
        yield store
        await store.close()

    # --- appending -------------------------------------------------------------------------------

    async def test_what_is_appended_can_be_read(self, store: PackStore) -> None:
        chunks = chunks_of(1, 7, 8, 9, 1000, 100_000)

        found = await append(store, chunks)

        assert await read(store, found) == data_of(chunks)

    async def test_views_are_stored_like_bytes(self, store: PackStore) -> None:
        whole = bytearray(b"0123456789")
        chunks = [Chunk(bytes(32), memoryview(whole)[2:5]), Chunk(bytes(31) + b"1", b"")]

        found = await append(store, chunks)

        assert await read(store, found) == [b"234", b""]

    async def test_an_append_of_nothing_returns_nothing(self, store: PackStore) -> None:
        assert await store.append(DOMAIN, []) == []
        assert (await store.usage()).pack_count == 0

    async def test_a_location_says_how_many_bytes_are_stored(self, store: PackStore) -> None:
        (location,) = await store.append(DOMAIN, chunks_of(777))

        assert location.stored_bytes == 777

    async def test_the_records_of_one_append_lie_in_order_and_adjacent(
        self, store: PackStore
    ) -> None:
        locations = await store.append(DOMAIN, chunks_of(5, 0, 8, 4096, 3))

        assert len({location.pack_id for location in locations}) == 1
        for one, following in itertools.pairwise(locations):
            assert following.offset == one.offset + record_bytes(one.stored_bytes)

    async def test_no_location_is_given_out_twice(self, rig: PackStoreRig) -> None:
        seen: list[tuple[str, int]] = []
        for generation in range(3):
            store = await rig.open(seal_bytes=3000)
            for seed in range(5):
                found = await store.append(DOMAIN, chunks_of(500, 500, seed=10 * generation + seed))
                seen += [(location.pack_id, location.offset) for location in found]
            await store.close()

        assert len(set(seen)) == len(seen) == 30

    async def test_the_same_chunk_appended_twice_lies_at_two_locations(
        self, store: PackStore
    ) -> None:
        chunks = chunks_of(100)

        first, second = await append(store, chunks), await append(store, chunks)

        assert first != second
        assert await read(store, first + second) == data_of(chunks * 2)

    async def test_packs_are_sealed_when_large_enough_and_all_stay_readable(
        self, rig: PackStoreRig
    ) -> None:
        store = await rig.open(seal_bytes=10_000)
        chunks = chunks_of(*[3000] * 20)
        found = [one for chunk in chunks for one in await append(store, [chunk])]

        assert len({one.location.pack_id for one in found}) == 5
        assert await read(store, found) == data_of(chunks)
        await store.close()

    async def test_concurrent_appends_each_get_their_own_records(self, store: PackStore) -> None:
        groups = [chunks_of(100, 200, 17, seed=seed) for seed in range(600)]

        found = await asyncio.gather(*[append(store, group) for group in groups])

        assert await asyncio.gather(*[read(store, one) for one in found]) == [
            data_of(group) for group in groups
        ]

    async def test_reads_and_appends_go_on_at_once(self, rig: PackStoreRig) -> None:
        store = await rig.open(seal_bytes=50_000)

        async def write_and_read(seed: int) -> None:
            chunks = chunks_of(3000, 30, seed=seed)
            found = await append(store, chunks)
            for _ in range(3):
                assert await read(store, found) == data_of(chunks)

        await asyncio.gather(*[write_and_read(seed) for seed in range(60)])
        await store.close()

    @pytest.mark.parametrize(("domain_bytes", "digest_bytes"), [(15, 32), (17, 32), (16, 31)])
    async def test_an_append_that_no_record_can_hold_fails_alone(
        self, store: PackStore, domain_bytes: int, digest_bytes: int
    ) -> None:
        malformed = Chunk(bytes(digest_bytes), b"data")

        with pytest.raises(ValueError, match="16 bytes"):
            await store.append(bytes(domain_bytes), [*chunks_of(10), malformed])

        found = await append(store, chunks_of(10))
        assert await read(store, found) == data_of(chunks_of(10))

    # --- what outlives the store -----------------------------------------------------------------

    async def test_a_store_opened_again_has_what_was_stored(self, rig: PackStoreRig) -> None:
        store = await rig.open()
        chunks = chunks_of(10, 20_000)
        found = await append(store, chunks)
        await store.close()

        again = await rig.open()

        assert await read(again, found) == data_of(chunks)
        await again.close()

    async def test_what_was_acknowledged_survives_power_loss(self, rig: PackStoreRig) -> None:
        store = await rig.open(seal_bytes=5000)
        chunks = chunks_of(*[1000] * 12)
        found = [one for chunk in chunks for one in await append(store, [chunk])]
        await rig.crash(store)

        again = await rig.open()

        assert await read(again, found) == data_of(chunks)
        await again.close()

    async def test_a_store_never_appends_to_a_pack_that_an_earlier_one_left(
        self, rig: PackStoreRig
    ) -> None:
        store = await rig.open()
        (before,) = await store.append(DOMAIN, chunks_of(10))
        await rig.crash(store)

        again = await rig.open()
        (after,) = await again.append(DOMAIN, chunks_of(10, seed=1))

        assert after.pack_id > before.pack_id
        await again.close()

    # --- no room, no sync ------------------------------------------------------------------------

    async def test_without_room_an_append_is_refused_and_reads_go_on(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        found = await append(store, chunks_of(5000))
        rig.leave_room(100)

        with pytest.raises(StorageFullError):
            await store.append(DOMAIN, chunks_of(5000, seed=1))

        assert await read(store, found) == data_of(chunks_of(5000))

    async def test_a_refused_append_succeeds_once_there_is_room(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        rig.leave_room(100)
        with pytest.raises(StorageFullError):
            await store.append(DOMAIN, chunks_of(5000))

        rig.leave_room(1 << 40)

        assert await read(store, await append(store, chunks_of(5000))) == data_of(chunks_of(5000))

    async def test_a_small_append_finds_the_room_that_a_large_one_does_not(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        await append(store, chunks_of(1))
        rig.leave_room(record_bytes(100))

        large, small = await asyncio.gather(
            store.append(DOMAIN, chunks_of(5000)),
            store.append(DOMAIN, chunks_of(100)),
            return_exceptions=True,
        )

        assert isinstance(large, StorageFullError)
        assert isinstance(small, list)

    async def test_after_one_failed_sync_no_append_is_acknowledged_ever_again(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        await append(store, chunks_of(10))
        rig.fail_syncs()
        with pytest.raises(StorageUnavailableError):
            await append(store, chunks_of(10, seed=1))
        rig.heal_syncs()

        with pytest.raises(StorageUnavailableError):
            await append(store, chunks_of(10, seed=2))

    async def test_a_store_that_failed_to_sync_still_reads_what_it_had_acknowledged(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        found = await append(store, chunks_of(10))
        rig.fail_syncs()
        with pytest.raises(StorageUnavailableError):
            await append(store, chunks_of(10, seed=1))

        assert await read(store, found) == data_of(chunks_of(10))

    # --- reading ---------------------------------------------------------------------------------

    async def test_payloads_come_in_the_order_asked_for(self, store: PackStore) -> None:
        chunks = chunks_of(*range(50))
        found = await append(store, chunks)
        order = random.Random(7).sample(range(50), 50)

        payloads = await read(store, [found[position] for position in order])

        assert payloads == [chunks[position].data for position in order]

    async def test_a_chunk_may_be_asked_for_twice(self, store: PackStore) -> None:
        found = await append(store, chunks_of(10, 20))

        assert await read(store, [*found, *found]) == data_of(chunks_of(10, 20)) * 2

    async def test_reading_nothing_returns_nothing(self, store: PackStore) -> None:
        assert await store.read(DOMAIN, []) == []

    @pytest.mark.parametrize("at", [*range(RECORD_HEADER_BYTES), RECORD_HEADER_BYTES + 49])
    async def test_a_flipped_byte_is_data_loss_never_data(
        self, rig: PackStoreRig, store: PackStore, at: int
    ) -> None:
        before, bad, after = await append(store, chunks_of(10, 50, 10))
        rig.flip_byte(bad.location, at)

        await require_corrupt(store, [before, bad, after], bad)
        assert len(await read(store, [before, after])) == 2

    async def test_a_record_that_was_cut_off_is_data_loss(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        before, bad, after = await append(store, chunks_of(10, 50, 10))
        for at in (RECORD_HEADER_BYTES + 49, RECORD_HEADER_BYTES, 40, 0):
            rig.cut(bad.location, at)
            await require_corrupt(store, [before, bad, after], bad)
        assert await read(store, [before]) == data_of(chunks_of(10))

    async def test_a_lost_pack_is_data_loss(self, rig: PackStoreRig) -> None:
        store = await rig.open()
        found = await append(store, chunks_of(10))
        await store.close()
        rig.lose(found[0].location.pack_id)

        again = await rig.open()

        await require_corrupt(again, found, found[0])
        await again.close()

    async def test_a_chunk_is_not_read_from_another_domain(self, store: PackStore) -> None:
        found = await append(store, chunks_of(10))

        with pytest.raises(ChunkCorruptError):
            await store.read(OTHER_DOMAIN, found)

    async def test_a_location_that_went_wrong_never_passes_for_another_chunk(
        self, store: PackStore
    ) -> None:
        one, other = await append(store, chunks_of(10, 10))

        for wrong in (
            StoredChunk(one.digest, 10, other.location),
            StoredChunk(one.digest, 9, one.location),
            StoredChunk(one.digest, 10, Location(one.location.pack_id, one.location.offset, 9)),
            StoredChunk(
                one.digest, 10, Location(one.location.pack_id, one.location.offset + 8, 10)
            ),
            StoredChunk(one.digest, 10, Location(one.location.pack_id, 1 << 40, 10)),
            StoredChunk(one.digest, 10, Location("../../etc/passwd", one.location.offset, 10)),
        ):
            await require_corrupt(store, [other, wrong], wrong)

    async def test_the_first_bad_chunk_of_the_request_is_named(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        found = await append(store, chunks_of(10, 10, 10, 10))
        rig.flip_byte(found[1].location, 0)
        rig.flip_byte(found[3].location, 0)

        await require_corrupt(store, found, found[1])
        await require_corrupt(store, found[::-1], found[3])

    # --- usage, cancellation, end ----------------------------------------------------------------

    async def test_usage_counts_packs_and_their_bytes(self, rig: PackStoreRig) -> None:
        store = await rig.open(seal_bytes=2000)
        for seed in range(3):
            await store.append(DOMAIN, chunks_of(4000, seed=seed))

        usage = await store.usage()
        await store.close()
        again = await rig.open()

        assert usage.pack_count == 3
        assert 3 * record_bytes(4000) <= usage.stored_bytes <= 3 * record_bytes(4000) + 200
        counted = await again.usage()
        assert (counted.pack_count, counted.stored_bytes) == (3, usage.stored_bytes)
        await again.close()

    async def test_usage_tells_how_much_room_is_left(
        self, rig: PackStoreRig, store: PackStore
    ) -> None:
        rig.leave_room(12_345)

        assert (await store.usage()).free_bytes == 12_345

    async def test_a_cancelled_append_harms_no_other(self, store: PackStore) -> None:
        groups = [chunks_of(2000, seed=seed) for seed in range(40)]
        async with asyncio.TaskGroup() as tasks:
            appends = [tasks.create_task(append(store, group)) for group in groups]
            await asyncio.sleep(0)
            for task in appends[::2]:
                task.cancel()

        for task, group in zip(appends[1::2], groups[1::2], strict=True):
            assert await read(store, task.result()) == data_of(group)

    async def test_a_cancelled_read_harms_no_other(self, store: PackStore) -> None:
        chunks = chunks_of(*[2000] * 10)
        found = await append(store, chunks)
        async with asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(read(store, found)) for _ in range(40)]
            await asyncio.sleep(0)
            for task in reads[::2]:
                task.cancel()

        assert all(task.result() == data_of(chunks) for task in reads[1::2])

    async def test_close_twice_is_close_once(self, store: PackStore) -> None:
        await append(store, chunks_of(10))

        await asyncio.gather(store.close(), store.close())
        await store.close()

    async def test_a_closed_store_says_so(self, store: PackStore) -> None:
        found = await append(store, chunks_of(10))
        await store.close()

        for call in (
            store.append(DOMAIN, chunks_of(10)),
            store.append(DOMAIN, []),
            store.read(DOMAIN, found),
            store.usage(),
        ):
            with pytest.raises(StorageUnavailableError, match="closed"):
                await call

    async def test_close_finishes_what_was_accepted(self, rig: PackStoreRig) -> None:
        store = await rig.open()
        groups = [chunks_of(2000, seed=seed) for seed in range(20)]
        async with asyncio.TaskGroup() as tasks:
            appends = [tasks.create_task(append(store, group)) for group in groups]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await store.close()

        again = await rig.open()
        for task, group in zip(appends, groups, strict=True):
            assert await read(again, task.result()) == data_of(group)
        await again.close()
