"""Decision 19a: a file's digest is the server's own finding, made once and remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hydria_server.storage.packs.memory import MemoryPackStore
from tests.refusals import refused
from tests.servers import memory_server
from tests.services.watched_packs import WatchedPacks
from tests.teams import Team, digest, entry, put

CHUNKS = [bytes([at]) * 1000 for at in range(20)]


@dataclass(frozen=True, slots=True)
class Rig:
    """A team on a server whose reads are watched."""

    team: Team
    packs: WatchedPacks

    def chunks_read(self) -> int:
        """Return how many chunks of a file were read since the last time."""
        count = sum(size == 1000 for sizes in self.packs.reads for size in sizes)
        self.packs.reads.clear()
        return count


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    packs = WatchedPacks(MemoryPackStore())
    async with memory_server(packs=packs) as server:
        yield Rig(Team.new(server), packs)


async def test_a_file_is_read_back_when_its_chunks_are_there_and_never_again(rig: Rig) -> None:
    first = await rig.team.begin()
    await rig.team.send(first, *CHUNKS)
    await rig.team.stage(first, put(entry("a", *CHUNKS)))
    assert rig.chunks_read() == 20
    await rig.team.stage(first, put(entry("b", *CHUNKS)), seq=2)
    second = await rig.team.begin(collection="other")
    await rig.team.stage(second, put(entry("c", *CHUNKS)))
    await rig.team.commit(first)
    await rig.team.commit(second)
    assert rig.chunks_read() == 0, "commits read no bytes of files"


async def test_a_file_that_is_staged_early_is_read_back_by_the_commit(rig: Rig) -> None:
    upload_id = await rig.team.begin()
    await rig.team.stage(upload_id, put(entry("a", *CHUNKS)))
    await rig.team.send(upload_id, *CHUNKS)
    assert rig.chunks_read() == 0
    await rig.team.commit(upload_id)
    assert rig.chunks_read() == 20


async def test_files_of_one_chunk_need_no_reading(rig: Rig) -> None:
    upload_id = await rig.team.begin()
    await rig.team.send(upload_id, *CHUNKS)
    await rig.team.stage(upload_id, *[put(entry(f"{at}", c)) for at, c in enumerate(CHUNKS)])
    await rig.team.commit(upload_id)
    assert rig.chunks_read() == 0


async def test_a_lie_is_not_remembered_and_another_chunk_list_is_read_itself(rig: Rig) -> None:
    upload_id = await rig.team.begin()
    await rig.team.send(upload_id, *CHUNKS)
    lie = entry("a", *CHUNKS)
    lie.content_digest = digest(b"another")
    for _ in range(2):
        with refused("DIGEST_MISMATCH"):
            await rig.team.stage(upload_id, put(lie))
        assert rig.chunks_read() == 20
    await rig.team.stage(upload_id, put(entry("a", *CHUNKS)))
    assert rig.chunks_read() == 20
    lie = entry("b", *reversed(CHUNKS))
    lie.content_digest = digest(b"".join(CHUNKS))
    with refused("DIGEST_MISMATCH"):
        await rig.team.stage(upload_id, put(lie), seq=2)
