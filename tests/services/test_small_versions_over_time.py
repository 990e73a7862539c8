"""Small versions, beside what older releases left and what goes away meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hydria.v1 import artifact_pb2 as pb
from hydria_server.domain.chunks import Chunk, ChunkState, Location
from hydria_server.domain.refs import CollectionName
from hydria_server.services.commit import CommitRequest
from hydria_server.services.hashing import digest_of
from hydria_server.services.sessions import NewUpload
from hydria_server.services.small_versions import InlineFile, payload_hash
from hydria_server.storage.metadata.interface import IndexedChunk, Rows
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.servers import memory_server
from tests.teams import Team


async def test_an_upload_that_an_older_release_left_open_is_no_hindrance() -> None:
    """It staged a small version in several steps, and was killed between two of them."""
    async with memory_server() as server:
        team = Team.new(server)
        name = CollectionName(team.name, team.project, team.collection)
        files = [InlineFile("a", b"1")]
        hashed = payload_hash(files, CommitRequest())
        left = await server.services.sessions.create(NewUpload(name, team.type, "", "once", hashed))

        answer = await server.stub.PutVersion(
            pb.PutVersionRequest(
                entity=team.name,
                project=team.project,
                collection=team.collection,
                type=team.type,
                files=[pb.InlineFile(path="a", content=b"1")],
                request_id="once",
            )
        )

        assert answer.created
        assert await team.contents() == {"a": b"1"}
        open_uploads = await server.metadata.read(
            lambda rows: rows.uploads.count_open(left.entity_id)
        )
        assert open_uploads == 0


class PacksThatWait(MemoryPackStore):
    """Does something before it appends, once."""

    before: Callable[[], Awaitable[None]] | None = None

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        return await super().append(domain, chunks)


async def test_a_chunk_that_goes_while_the_others_are_written_is_written_again() -> None:
    packs = PacksThatWait()
    async with memory_server(packs=packs) as server:
        team = Team.new(server)
        await team.log({"a": b"1"})
        chunk = digest_of(b"1")

        async def find(rows: Rows) -> tuple[int, IndexedChunk]:
            entity = await rows.names.entity(team.name)
            assert entity is not None
            found = await rows.chunks.find(entity.domain.id, [chunk])
            return entity.domain.id, found[chunk]

        domain_id, there = await server.metadata.read(find)

        async def lose() -> None:
            await server.metadata.write(
                lambda rows: rows.chunks.mark_corrupt(domain_id, there.chunk)
            )

        packs.before = lose
        await team.log({"a": b"1", "b": b"2"})

        assert await team.contents() == {"a": b"1", "b": b"2"}
        _, again = await server.metadata.read(find)
        assert again.state is ChunkState.LIVE
        assert again.chunk.location != there.chunk.location
