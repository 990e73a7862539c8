"""I9: whatever is asked for, and however slowly it is taken, the server holds a bounded amount."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria_server.services.chunk_reader import WINDOW_BYTES
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.servers import Server, memory_server, settings_for_tests
from tests.services.watched_packs import WatchedPacks
from tests.teams import Download, Team, digest, put, recipe

CHUNK_BYTES = 1 << 20
BUDGET_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Rig:
    """A server whose pack store is watched."""

    server: Server
    packs: WatchedPacks
    team: Team


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    packs = WatchedPacks(MemoryPackStore())
    settings = settings_for_tests(byte_budget=BUDGET_BYTES)
    async with memory_server(packs=packs, settings=settings) as server:
        yield Rig(server, packs, Team.new(server))


async def log_chunks(team: Team, count: int) -> dict[str, bytes]:
    """Log a version of `count` files of one large chunk each."""
    source = random.Random(count)
    files = {f"{at:04}": source.randbytes(CHUNK_BYTES) for at in range(count)}
    upload_id = await team.begin()
    for path, data in files.items():
        await team.upload(upload_id, path, data)
    await team.commit(upload_id)
    return files


async def test_many_ranges_of_a_byte_do_not_read_their_chunks_all_at_once(rig: Rig) -> None:
    files = await log_chunks(rig.team, 24)
    rig.packs.reads.clear()
    reads = [pb.FileRead(path=path, offset=5, length=1) for path in files]
    download = await rig.team.download(reads=reads)
    assert [file.data for file in download.files] == [data[5:6] for data in files.values()]
    assert rig.packs.largest_read_bytes <= WINDOW_BYTES


async def test_readers_together_hold_no_more_than_the_budget_and_all_get_their_bytes(
    rig: Rig,
) -> None:
    files = await log_chunks(rig.team, 12)
    budget = rig.server.services.read_budget
    held: list[int] = []

    async def read() -> None:
        download = Download()
        async for frame in rig.server.stub.Download(pb.DownloadRequest(ref=rig.team.ref())):
            held.append(budget.used_bytes)
            download.take(frame)
        assert download.contents() == files

    async with asyncio.TaskGroup() as readers:
        for _ in range(12):
            readers.create_task(read())
    assert 2 * WINDOW_BYTES < max(held) <= BUDGET_BYTES
    assert budget.used_bytes == 0


async def test_chunks_fetched_by_digest_count_against_the_budget_too(rig: Rig) -> None:
    files = await log_chunks(rig.team, 8)
    wanted = b"".join(digest(data) for data in files.values())
    request = pb.FetchChunksRequest(ref=rig.team.ref(), digests=wanted)
    fetched = [data async for part in rig.server.stub.FetchChunks(request) for data in [part]]
    assert b"".join(part.payload for part in fetched) == b"".join(files.values())
    assert rig.server.services.read_budget.used_bytes == 0


async def test_a_range_of_a_big_file_reads_only_the_recipe_it_falls_into(rig: Rig) -> None:
    chunks = [at.to_bytes(4, "big") * 8 for at in range(900)]
    recipes = [recipe(*chunks[at : at + 300]) for at in range(0, 900, 300)]
    content = b"".join(chunks)
    upload_id = await rig.team.begin()
    await rig.team.send(upload_id, *chunks, *recipes)
    file = pb.FileEntry(
        path="big",
        size_bytes=len(content),
        content_digest=digest(content),
        recipe_digests=b"".join(map(digest, recipes)),
    )
    await rig.team.stage(upload_id, put(file))
    await rig.team.commit(upload_id)
    rig.packs.reads.clear()
    read = pb.FileRead(path="big", offset=-10, length=10)
    download = await rig.team.download(reads=[read])
    assert download.files[0].data == content[-10:]
    assert rig.packs.chunk_count == 3, "the manifest's shard, one recipe, one chunk"
