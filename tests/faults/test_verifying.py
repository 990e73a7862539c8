"""VerifyVersion on damaged stores: it names what is damaged, and an upload repairs that."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from hydria.v1 import artifact_pb2 as pb
from hydria_server.storage.packs.record import RECORD_HEADER_BYTES, encode_header
from tests.conformance.artifact_staging import entry_of_recipes
from tests.faults.checker import problems_in
from tests.faults.damage import BIG, FILES, OTHER, REF, SMALL, damage, flip, packs_of, served
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    PROJECT,
    Promises,
    StubClient,
    all_chunks,
    chunks_of,
    digest_of,
    random_files,
)
from tests.refusals import refused
from tests.servers import disk_server
from tests.teams import Team, put, recipe


async def verify(client: StubClient, ref: str = REF) -> tuple[list[pb.Damage], pb.VerifySummary]:
    request = pb.VerifyVersionRequest(ref=ref)
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


async def test_what_the_other_parts_of_a_damaged_list_hold_is_still_checked(
    tmp_path: Path,
) -> None:
    paths = [f"{'long' * 200}/{number:04}" for number in range(2500)]  # 2 MB: more than one part
    files = [pb.InlineFile(path=path, content=b"%d" % at) for at, path in enumerate(paths)]
    request = pb.PutVersionRequest(
        entity=ENTITY, project=PROJECT, collection=COLLECTION, type="dataset", files=files
    )
    async with served(tmp_path / "data") as client:
        await client.stub.PutVersion(request)
    damage(tmp_path / "data", b"HYMS\x01", flip(30))
    damage(tmp_path / "data", b"1234", flip(0))

    async with served(tmp_path / "data") as client:
        damages, summary = await verify(client)
    part = damages[0]
    assert part.kind == pb.DAMAGE_KIND_MANIFEST
    lost = [path for path in paths if part.path <= path <= part.last_path]
    assert 0 < len(lost) < len(paths)
    assert summary.checked_files == len(paths) - len(lost)
    assert [found.path for found in damages[1:]] == [p for p in paths[1234:1235] if p not in lost]


async def test_a_damaged_recipe_is_told_as_the_part_of_the_file_that_it_lists(
    tmp_path: Path,
) -> None:
    chunks = [bytes([number]) * 100 for number in range(70)]
    recipes = [recipe(*chunks[:30]), recipe(*chunks[30:])]
    async with disk_server(tmp_path) as server:
        team = Team.new(server)
        upload_id = await team.begin()
        await team.send(upload_id, *chunks, *recipes)
        await team.stage(upload_id, put(entry_of_recipes("long", chunks, recipes)))
        await team.commit(upload_id)
    damage(tmp_path, recipes[1], flip(40))

    async with served(tmp_path) as client:
        damages, summary = await verify(client, team.ref())
    assert damages == [
        pb.Damage(
            kind=pb.DAMAGE_KIND_RECIPE,
            path="long",
            digest=digest_of(recipes[1]),
            offset=3000,
            size_bytes=4000,
        )
    ]
    assert (summary.checked_bytes, summary.damaged_files) == (3000, 1)


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
