"""VerifyVersion on damaged stores: it names what is damaged, and an upload repairs that."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from hydria.v1 import artifact_pb2 as pb
from hydria_server.storage.packs.record import RECORD_HEADER_BYTES, encode_header
from tests.faults.checker import problems_in
from tests.faults.damage import BIG, FILES, OTHER, REF, SMALL, damage, flip, packs_of, served
from tests.faults.stub_client import (
    Promises,
    StubClient,
    all_chunks,
    chunks_of,
    digest_of,
    random_files,
)
from tests.refusals import refused
from tests.servers import disk_server


async def verify(client: StubClient) -> tuple[list[pb.Damage], pb.VerifySummary]:
    request = pb.VerifyVersionRequest(ref=REF)
    parts = [part async for part in client.stub.VerifyVersion(request, timeout=30)]
    damages = [found for part in parts for found in part.damages]
    assert parts[-1].summary.damage_count == len(damages)
    assert parts[-1].summary.intact == (not damages)
    return damages, parts[-1].summary


async def test_a_flipped_byte_is_told_with_its_file_and_place(data: Path) -> None:
    chunks = chunks_of(FILES[BIG])
    damage(data, chunks[1], flip(77))

    async with served(data) as client:
        damages, summary = await verify(client)
    assert damages == [
        pb.Damage(
            kind=pb.DAMAGE_KIND_CHUNK,
            path=BIG,
            digest=digest_of(chunks[1]),
            offset=len(chunks[0]),
            size_bytes=len(chunks[1]),
        )
    ]
    total = sum(map(len, FILES.values()))
    assert (summary.checked_files, summary.damaged_files) == (4, 1)
    assert summary.checked_bytes == total - len(chunks[1])


async def test_all_damage_is_found_at_once_and_the_next_upload_repairs_it(data: Path) -> None:
    broken = [chunks_of(FILES[BIG])[0], FILES[SMALL], FILES[OTHER]]
    for chunk in broken:
        damage(data, chunk, flip(0))

    async with served(data) as client:
        for _ in range(2):  # to be marked is not to be forgotten
            damages, summary = await verify(client)
            assert [found.path for found in damages] == sorted([BIG, SMALL, OTHER])
            assert summary.damaged_files == 3
        missing = await client.missing(await client.create(), all_chunks(FILES))
        assert sorted(missing) == sorted(broken)
        assert (await client.upload(FILES)).ref == REF
        assert (await verify(client))[1].intact
        assert await client.download(REF) == FILES
    assert problems_in(data) == []


async def test_a_chunk_whose_row_is_lost_is_told(data: Path) -> None:
    with sqlite3.connect(data / "meta.db") as rows:
        rows.execute("DELETE FROM chunk WHERE digest = ?", [digest_of(FILES[SMALL])])
    rows.close()

    async with served(data) as client:
        damages, _ = await verify(client)
    assert [(found.kind, found.path) for found in damages] == [(pb.DAMAGE_KIND_CHUNK, SMALL)]


async def test_a_lost_pack_is_told_by_the_list_of_files_that_it_held(data: Path) -> None:
    for pack in packs_of(data):
        pack.unlink()

    async with served(data) as client:
        damages, summary = await verify(client)
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
    assert [found.kind for found in damages] == [pb.DAMAGE_KIND_MANIFEST]
    assert (damages[0].path, damages[0].last_path) == (min(FILES), max(FILES))
    assert summary.checked_files == 0


async def test_a_damaged_list_of_files_is_told_and_comes_back(data: Path) -> None:
    damage(data, b"HYMS\x01", flip(30))

    async with served(data) as client:
        damages, _ = await verify(client)
        assert [found.kind for found in damages] == [pb.DAMAGE_KIND_MANIFEST]
        await client.upload(FILES)
        assert (await verify(client))[1].intact


async def test_bytes_that_match_their_record_and_not_their_digest_are_damage(data: Path) -> None:
    """As if XXH3 had been fooled: BLAKE3 is checked too, and a new upload repairs it."""
    _replace(data, FILES[SMALL], bytes(700), digest=digest_of(FILES[SMALL]))

    async with served(data) as client:
        damages, _ = await verify(client)
        assert [(found.kind, found.path) for found in damages] == [(pb.DAMAGE_KIND_CHUNK, SMALL)]
        await client.upload(FILES)
        assert (await verify(client))[1].intact
        assert await client.download(REF) == FILES


async def test_chunks_that_do_not_add_up_to_their_file_are_told(data: Path) -> None:
    """A list of files that has the chunks of a file in another order: every chunk is right."""
    with sqlite3.connect(data / "meta.db") as rows:
        ((old, size),) = rows.execute("SELECT digest, size_bytes FROM version_shard").fetchall()
        (pack,) = (path.read_bytes() for path in packs_of(data))
        begin = pack.find(old) + 32 + 24  # behind the digest, the lengths and both checksums
        shard = pack[begin : begin + size]
        first, second = (
            digest_of(chunk) + len(chunk).to_bytes(4, "little")
            for chunk in chunks_of(FILES[BIG])[:2]
        )
        swapped = shard.replace(first + second, second + first)
        assert swapped != shard
        _replace(data, shard, swapped, digest=digest_of(swapped))
        for table in ("chunk", "version_shard"):
            rows.execute(
                f"UPDATE {table} SET digest = ? WHERE digest = ?", [digest_of(swapped), old]
            )
    rows.close()

    async with served(data) as client:
        damages, summary = await verify(client)
    assert damages == [pb.Damage(kind=pb.DAMAGE_KIND_FILE, path=BIG, digest=digest_of(FILES[BIG]))]
    assert summary.damaged_files == 1


def _replace(data: Path, content: bytes, other: bytes, *, digest: bytes) -> None:
    """Put other bytes into a record, whose header says that they are the chunk `digest`."""
    for path in packs_of(data):
        pack = path.read_bytes()
        begin = pack.find(content)
        if begin >= 0:
            header = begin - RECORD_HEADER_BYTES
            domain = pack[header + 8 : header + 24]
            record = encode_header(domain, digest, other) + other
            path.write_bytes(pack[:header] + record + pack[begin + len(other) :])
            return
    raise AssertionError("the chunk is in no pack")


async def test_a_list_of_files_that_is_another_version_s_is_told(data: Path) -> None:
    with sqlite3.connect(data / "meta.db") as rows:
        rows.execute("UPDATE version SET size_bytes = size_bytes + 1")
    rows.close()

    async with served(data) as client:
        damages, summary = await verify(client)
    assert [found.kind for found in damages] == [pb.DAMAGE_KIND_VERSION]
    assert summary.damaged_files == 0


async def test_a_cancelled_verification_holds_nothing_and_leaves_its_turn(tmp_path: Path) -> None:
    files = random_files(5, 20_000_000)
    async with disk_server(tmp_path / "data") as server:
        client = StubClient(server.channel, Promises())
        await client.upload(files)
        for _ in range(3):
            call = client.stub.VerifyVersion(pb.VerifyVersionRequest(ref=REF))
            async for part in call:
                if part.checked_bytes:
                    break
            call.cancel()
        _, summary = await verify(client)
        assert summary.checked_bytes == 20_000_000
        assert server.services.read_budget.used_bytes == 0


async def test_verifications_at_the_same_time_all_come_to_their_end(data: Path) -> None:
    damage(data, FILES[SMALL], flip(1))

    async with served(data) as client:
        results = await asyncio.gather(*(verify(client) for _ in range(4)))
    assert [[found.path for found in damages] for damages, _ in results] == [[SMALL]] * 4
