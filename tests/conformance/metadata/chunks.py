"""What must be true of the chunk index and of verified files."""

from __future__ import annotations

from dataclasses import replace

from hydria_server.domain.chunks import ChunkState
from hydria_server.storage.metadata.interface import IndexedChunk, Rows
from tests.conformance.metadata.given import a_chunk, a_digest, in_one_write


async def a_domain(rows: Rows, entity: str = "acme") -> int:
    return (await rows.names.ensure_entity(entity, now_us=1)).domain.id


class ChunkIndex:
    @in_one_write
    async def test_a_put_chunk_is_live_where_it_was_put(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        chunks = [a_chunk(number) for number in range(3)]

        await rows.chunks.put(domain, chunks, epoch=5)
        await rows.chunks.put(domain, [], epoch=5)

        found = await rows.chunks.find(domain, [a_digest(2), a_digest(0), a_digest(9), a_digest(0)])
        assert found == {
            a_digest(0): IndexedChunk(chunks[0], ChunkState.LIVE, 5),
            a_digest(2): IndexedChunk(chunks[2], ChunkState.LIVE, 5),
        }
        assert await rows.chunks.find(domain, []) == {}

    @in_one_write
    async def test_nothing_is_shared_across_domains(self, rows: Rows) -> None:
        ours, theirs = await a_domain(rows), await a_domain(rows, "other")
        await rows.chunks.put(ours, [a_chunk(1)], epoch=5)
        await rows.chunks.remember_verified(ours, [(a_digest(1), a_digest(2))])

        assert await rows.chunks.find(theirs, [a_digest(1)]) == {}
        assert await rows.chunks.touch(theirs, [a_digest(1)], epoch=6) == set()
        assert await rows.chunks.verified_files(theirs, [(a_digest(1), a_digest(2))]) == set()
        await rows.chunks.mark_corrupt(theirs, a_chunk(1))
        await rows.chunks.put(theirs, [a_chunk(1, offset=77)], epoch=9)
        found = await rows.chunks.find(ours, [a_digest(1)])
        assert found[a_digest(1)] == IndexedChunk(a_chunk(1), ChunkState.LIVE, 5)

    @in_one_write
    async def test_any_number_of_digests_may_be_asked(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        known = [a_chunk(number) for number in range(0, 40_000, 2)]
        await rows.chunks.put(domain, known, epoch=5)
        asked = [a_digest(number) for number in range(40_000)]

        found = await rows.chunks.find(domain, asked)
        live = await rows.chunks.touch(domain, asked, epoch=6)

        assert set(found) == live == {chunk.digest for chunk in known}
        assert found[a_digest(39_998)].chunk == a_chunk(39_998)

    @in_one_write
    async def test_touching_returns_the_live_ones_and_never_goes_back(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        await rows.chunks.put(domain, [a_chunk(1), a_chunk(2), a_chunk(3)], epoch=5)
        await rows.chunks.put(domain, [a_chunk(4)], epoch=9)
        await rows.chunks.mark_corrupt(domain, a_chunk(2))
        asked = [a_digest(number) for number in (1, 1, 2, 4, 8)]

        assert await rows.chunks.touch(domain, asked, epoch=7) == {a_digest(1), a_digest(4)}
        assert await rows.chunks.touch(domain, asked, epoch=6) == {a_digest(1), a_digest(4)}
        assert await rows.chunks.touch(domain, [], epoch=6) == set()

        found = await rows.chunks.find(domain, [a_digest(number) for number in (1, 2, 3, 4)])
        epochs = {digest: row.touch_epoch for digest, row in found.items()}
        assert epochs == {a_digest(1): 7, a_digest(2): 5, a_digest(3): 5, a_digest(4): 9}

    @in_one_write
    async def test_a_live_chunk_keeps_its_location_and_its_epoch_grows(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        first = a_chunk(1)
        await rows.chunks.put(domain, [first], epoch=5)

        await rows.chunks.put(domain, [a_chunk(1, pack_id="ANOTHER", offset=1)], epoch=7)
        await rows.chunks.put(domain, [a_chunk(1, pack_id="ANOTHER", offset=1)], epoch=6)

        found = await rows.chunks.find(domain, [a_digest(1)])
        assert found[a_digest(1)] == IndexedChunk(first, ChunkState.LIVE, 7)

    @in_one_write
    async def test_a_corrupt_chunk_is_known_and_put_again_it_is_repaired(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        bad, good = a_chunk(1), a_chunk(1, pack_id="ANOTHER", offset=1)
        await rows.chunks.put(domain, [bad], epoch=5)

        await rows.chunks.mark_corrupt(domain, bad)
        corrupt = await rows.chunks.find(domain, [a_digest(1)])
        await rows.chunks.put(domain, [good], epoch=4)
        repaired = await rows.chunks.find(domain, [a_digest(1)])

        assert corrupt[a_digest(1)] == IndexedChunk(bad, ChunkState.CORRUPT, 5)
        assert repaired[a_digest(1)] == IndexedChunk(good, ChunkState.LIVE, 5)

    @in_one_write
    async def test_only_the_location_that_was_read_is_marked_corrupt(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        here = a_chunk(1)
        elsewhere = replace(here, location=replace(here.location, offset=1))
        await rows.chunks.put(domain, [here], epoch=5)

        await rows.chunks.mark_corrupt(domain, elsewhere)
        await rows.chunks.mark_corrupt(domain, a_chunk(2))

        found = await rows.chunks.find(domain, [a_digest(1), a_digest(2)])
        assert found == {a_digest(1): IndexedChunk(here, ChunkState.LIVE, 5)}

    @in_one_write
    async def test_one_put_may_name_a_chunk_twice(self, rows: Rows) -> None:
        domain = await a_domain(rows)

        await rows.chunks.put(domain, [a_chunk(1), a_chunk(1, offset=1 << 40)], epoch=5)

        found = await rows.chunks.find(domain, [a_digest(1)])
        assert found[a_digest(1)].chunk in (a_chunk(1), a_chunk(1, offset=1 << 40))


class VerifiedFiles:
    @in_one_write
    async def test_a_file_is_verified_with_the_chunk_list_that_was_read(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        verified = [(a_digest(n), a_digest(n + 1)) for n in range(3_000)]
        await rows.chunks.remember_verified(domain, verified)
        await rows.chunks.remember_verified(domain, verified[:2])
        await rows.chunks.remember_verified(domain, [])

        other_list, other_file = (a_digest(0), a_digest(9_999)), (a_digest(9_999), a_digest(1))
        asked = [*verified, other_list, other_file]

        assert await rows.chunks.verified_files(domain, asked) == set(verified)
        assert await rows.chunks.verified_files(domain, []) == set()

    @in_one_write
    async def test_one_content_may_have_several_chunk_lists(self, rows: Rows) -> None:
        domain = await a_domain(rows)
        pairs = [(a_digest(1), a_digest(n)) for n in range(3)]
        await rows.chunks.remember_verified(domain, pairs[:2])

        assert await rows.chunks.verified_files(domain, pairs) == set(pairs[:2])


class ChunksContract(ChunkIndex, VerifiedFiles):
    """Everything about chunks."""
