"""Bytes that went bad on the disk are never served, and come back when they are uploaded again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.damage import (
    BIG,
    EMPTY,
    FILES,
    OTHER,
    REF,
    SMALL,
    Harm,
    cut,
    damage,
    flip,
    packs_of,
    served,
    zero,
)
from tests.faults.stub_client import (
    StubClient,
    all_chunks,
    chunks_of,
    random_files,
)
from tests.refusals import refused

HARMS = {
    "first byte of the payload": flip(0),
    "last byte of the payload": flip(699),
    "magic of the record": flip(-80),
    "domain in the record": flip(-70),
    "digest in the record": flip(-50),
    "length in the record": flip(-21),
    "checksum of the header": flip(-1),
    "a sector of zeros": zero,
}
CUTS = {"in the payload": cut(600), "in the header": cut(-40), "before the record": cut(-80)}


async def read_file(client: StubClient, path: str) -> bytes:
    request = pb.DownloadRequest(ref=REF, reads=[pb.FileRead(path=path)])
    return b"".join([frame.payload async for frame in client.stub.Download(request, timeout=20)])


@pytest.mark.parametrize("harm", CUTS.values(), ids=CUTS.keys())
async def test_a_record_cut_short_is_data_loss_never_data(data: Path, harm: Harm) -> None:
    damage(data, FILES[SMALL], harm)

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await read_file(client, SMALL)


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
async def test_damage_is_data_loss_never_data_until_the_same_content_comes_again(
    data: Path, harm: Harm
) -> None:
    damage(data, FILES[SMALL], harm)

    async with served(data) as client:
        for _ in range(2):
            with refused("CHUNK_CORRUPT"):
                await read_file(client, SMALL)
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        version = await client.upload(FILES)
        assert version.ref == REF
        assert await client.download(REF) == FILES
    assert problems_in(data) == []


async def test_files_that_are_not_damaged_are_served(data: Path) -> None:
    damage(data, FILES[SMALL], flip(5))

    async with served(data) as client:
        for _ in range(2):
            with refused("CHUNK_CORRUPT"):
                await read_file(client, SMALL)
            for path in (BIG, EMPTY, OTHER):
                assert await read_file(client, path) == FILES[path]


async def test_what_was_sent_before_the_damage_was_met_is_right(data: Path) -> None:
    last = chunks_of(FILES[BIG])[-1]
    damage(data, last, flip(1))

    async with served(data) as client:
        received = b""
        request = pb.DownloadRequest(ref=REF, reads=[pb.FileRead(path=BIG)])
        with refused("CHUNK_CORRUPT"):
            async for frame in client.stub.Download(request, timeout=20):
                received += frame.payload
    assert FILES[BIG].startswith(received)


async def test_only_damaged_chunks_are_asked_for_again(data: Path) -> None:
    damage(data, FILES[SMALL], flip(5))

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        upload_id = await client.create()
        assert await client.missing(upload_id, all_chunks(FILES)) == [FILES[SMALL]]


async def test_a_plain_stream_of_the_file_repairs_it_too(data: Path) -> None:
    damage(data, chunks_of(FILES[BIG])[1], flip(5))

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        await client.upload_file(await client.create(), "anywhere", FILES[BIG])
        assert await client.download(REF) == FILES
    assert problems_in(data) == []


async def test_one_read_finds_all_that_is_damaged_side_by_side(data: Path) -> None:
    chunks = all_chunks(FILES)
    for chunk in chunks[1:4]:
        damage(data, chunk, flip(0))

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        assert await client.missing(await client.create(), chunks) == chunks[1:4]


@pytest.mark.parametrize("kept_bytes", [None, 0, 32, 500_000])
async def test_a_lost_or_truncated_pack_is_repaired_in_a_few_rounds(
    data: Path, kept_bytes: int | None
) -> None:
    (pack,) = packs_of(data)
    if kept_bytes is None:
        pack.unlink()
    else:
        pack.write_bytes(pack.read_bytes()[:kept_bytes])

    async with served(data) as client:
        # The manifest is found to be lost first, then what was staged, then the files.
        for _ in range(2):
            with refused("CHUNK_CORRUPT"):
                await client.download(REF)
            with suppress(grpc.aio.AioRpcError):
                await client.upload(FILES)
            assert (await client.upload(FILES)).ref == REF
        assert await client.download(REF) == FILES
    assert problems_in(data) == []


async def test_two_packs_that_changed_places_are_data_loss(data: Path) -> None:
    async with served(data) as client:
        await client.upload(random_files(9, 5000))
    first, second = packs_of(data)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
