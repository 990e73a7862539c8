"""The artifact service through the wire: of which chunks files consist, and these chunks."""

from __future__ import annotations

from itertools import accumulate

from hydria.v1 import artifact_pb2 as pb
from tests.conformance.artifact_reading import ReadingContract
from tests.refusals import refused
from tests.teams import Team, digest

_MAX_MESSAGE_BYTES = 4 << 20


async def listed(team: Team, *paths: str) -> list[list[tuple[bytes, int]]]:
    """Return digest and size of each chunk of each of the paths, and check each response."""
    lists: list[list[tuple[bytes, int]]] = [[] for _ in paths]
    seen: set[int] = set()
    is_first = True
    async for part in team.stub.ListChunks(pb.ListChunksRequest(ref=team.ref(), paths=paths)):
        assert part.ByteSize() <= _MAX_MESSAGE_BYTES
        assert (part.version_ref, bool(part.files)) == (
            (team.ref(":v0"), False) if is_first else ("", True)
        )
        is_first = False
        for file in part.files:
            assert file.path_index >= max(seen, default=0)
            seen.add(file.path_index)
            assert len(file.digests) == 32 * len(file.sizes)
            for at, size in enumerate(file.sizes):
                lists[file.path_index].append((file.digests[32 * at : 32 * at + 32], size))
    assert seen == set(range(len(paths)))
    return lists


def chunk_list(*chunks: bytes) -> list[tuple[bytes, int]]:
    return [(digest(chunk), len(chunk)) for chunk in chunks]


class ChunkListsContract(ReadingContract):
    """A client learns which chunks it lacks, and gets these."""

    async def test_chunks_are_listed_in_the_order_of_the_paths_asked(self, team: Team) -> None:
        await team.log({"a": b"one", "b/c": b"", "d": b"two"})
        assert await listed(team, "d", "b/c", "a", "d") == [
            chunk_list(b"two"),
            [],
            chunk_list(b"one"),
            chunk_list(b"two"),
        ]

    async def test_a_file_of_several_chunks_is_listed_as_it_was_staged(self, team: Team) -> None:
        await self.log_chunked(team, "big", b"one", b"two", b"one")
        assert await listed(team, "big") == [chunk_list(b"one", b"two", b"one")]

    async def test_a_file_of_recipes_is_listed_whole(self, team: Team) -> None:
        chunks = [at.to_bytes(2, "big") for at in range(1500)]
        await self.log_chunked(team, "big", *chunks)
        assert await listed(team, "big", "big") == [chunk_list(*chunks)] * 2

    async def test_chunks_of_a_path_that_is_not_there_are_not_found(self, team: Team) -> None:
        await team.log({"a": b"one"})
        for path in ("b", "", "a/"):
            with refused("FILE_NOT_FOUND"):
                await listed(team, "a", path)
            with refused("FILE_NOT_FOUND"):
                await self.fetch_of(team, [path], b"one")

    async def test_no_more_paths_than_reads_may_be_asked_for(self, team: Team) -> None:
        await team.log({"a": b"x"})
        with refused("BATCH_TOO_LARGE"):
            await listed(team, *["a"] * 10_001)
        with refused("BATCH_TOO_LARGE"):
            await self.fetch_of(team, ["a"] * 10_001, b"x")
        assert len(await listed(team, *["a"] * 10_000)) == 10_000

    async def test_a_list_without_paths_is_empty(self, team: Team) -> None:
        await team.log({"a": b"x"})
        assert await listed(team) == []

    async def test_chunks_may_be_looked_for_in_some_files_only(self, team: Team) -> None:
        await team.log({"a": b"one", "b": b"two", "c": b"three"})
        assert await self.fetch_of(team, ["c", "a"], b"three", b"one") == [b"three", b"one"]
        with refused("CHUNK_NOT_FOUND"):
            await self.fetch_of(team, ["c", "a"], b"two")

    async def fetch_of(self, team: Team, paths: list[str], *chunks: bytes) -> list[bytes]:
        """Fetch chunks that these files have."""
        request = pb.FetchChunksRequest(
            ref=team.ref(), digests=b"".join(map(digest, chunks)), paths=paths
        )
        fetched: list[bytes] = []
        async for part in team.stub.FetchChunks(request):
            ends = list(accumulate(part.sizes))
            fetched += [
                part.payload[end - size : end] for end, size in zip(ends, part.sizes, strict=True)
            ]
        return fetched
