"""Bytes that went bad on the disk are never served, and come back when they are uploaded again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    NAME,
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

FILES = random_files(3, 2_600_000, 700, 0, 1000)
BIG, SMALL, EMPTY, OTHER = FILES
REF = f"{NAME}:v0"

Harm = Callable[[bytearray, int], bytes]


def flip(at: int) -> Harm:
    """Flip a bit `at` bytes behind the beginning of what is harmed."""

    def harm(pack: bytearray, begin: int) -> bytes:
        pack[begin + at] ^= 0x10
        return bytes(pack)

    return harm


def cut(at: int) -> Harm:
    """End the pack there."""
    return lambda pack, begin: bytes(pack[: begin + at])


def zero(pack: bytearray, begin: int) -> bytes:
    """Lose a sector, as disks do."""
    pack[begin : begin + 512] = bytes(512)
    return bytes(pack)


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


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[StubClient]:
    async with disk_server(data) as server:
        yield StubClient(server.channel, Promises())


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with one version."""
    data = tmp_path_factory.mktemp("healthy")
    asyncio.run(_fill(data))
    return data


async def _fill(data: Path) -> None:
    async with served(data) as client:
        await client.upload(FILES)


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """Return a copy of it that nobody serves."""
    return Path(shutil.copytree(healthy, tmp_path / "data"))


def damage(data: Path, content: bytes, harm: Harm) -> None:
    """Harm the record of a chunk, wherever it lies. It is looked for by its bytes."""
    for path in data.rglob("*.pack"):
        pack = bytearray(path.read_bytes())
        begin = pack.find(content)
        if begin >= 0:
            path.write_bytes(harm(pack, begin))
            return
    raise AssertionError("the chunk is in no pack")


def packs_of(data: Path) -> list[Path]:
    return sorted(data.rglob("*.pack"))


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


# --- what is stored as chunks beside files -------------------------------------------------------


MANIFEST, STAGED_RUN, RECIPE = b"HYMS\x01", b"HYRN\x01", b"HYRC\x01"


async def test_a_damaged_manifest_is_data_loss_on_every_way_to_it(data: Path) -> None:
    damage(data, MANIFEST, flip(30))

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        with refused("CHUNK_CORRUPT"):
            await client.stub.ListFiles(pb.ListFilesRequest(ref=REF))
        with refused("CHUNK_CORRUPT"):
            async for _ in client.stub.StreamFiles(pb.StreamFilesRequest(ref=REF)):
                pass
        with refused("CHUNK_CORRUPT"):
            digests = digest_of(FILES[SMALL])
            async for _ in client.stub.FetchChunks(pb.FetchChunksRequest(ref=REF, digests=digests)):
                pass
        version = await client.stub.GetVersion(pb.GetVersionRequest(ref=REF))
        assert version.version.file_count == len(FILES)


async def test_committing_the_same_content_again_repairs_the_manifest(data: Path) -> None:
    damage(data, MANIFEST, flip(30))

    async with served(data) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        assert (await client.upload(FILES)).ref == REF
        assert await client.download(REF) == FILES
    assert problems_in(data) == []


async def test_a_version_cannot_be_based_on_a_damaged_manifest(data: Path) -> None:
    damage(data, MANIFEST, flip(30))

    async with served(data) as client:
        request = pb.CreateUploadRequest(
            entity=ENTITY, project=PROJECT, collection=COLLECTION, base_version=REF
        )
        upload_id = (await client.stub.CreateUpload(request)).upload.upload_id
        with refused("CHUNK_CORRUPT"):
            await client.commit(upload_id, FILES)
        assert await client.versions() == [REF]


async def upload_with_recipe(client: StubClient) -> dict[str, bytes]:
    """Make a version with a file of more chunks than a manifest entry lists."""
    pieces = [random_files(n, 100)["d0/f0.bin"] for n in range(100, 170)]
    content = b"".join(pieces)
    upload_id = await client.create()
    await client.put(upload_id, pieces)
    entry = pb.FileEntry(
        path="long",
        size_bytes=len(content),
        content_digest=digest_of(content),
        chunk_digests=b"".join(map(digest_of, pieces)),
        chunk_sizes=[100] * 70,
    )
    operation = pb.StageOperation(put=entry)
    request = pb.StageFilesRequest(upload_id=upload_id, seq=1, operations=[operation])
    await client.stub.StageFiles(request)
    await client.commit(upload_id, {"long": content})
    return {"long": content}


async def test_a_damaged_recipe_is_data_loss_until_it_comes_again(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        files = await upload_with_recipe(client)
    damage(tmp_path, RECIPE + digest_of(random_files(100, 100)["d0/f0.bin"]), flip(9))

    async with served(tmp_path) as client:
        with refused("CHUNK_CORRUPT"):
            await client.download(REF)
        await upload_with_recipe(client)
        assert await client.download(REF) == files
    assert problems_in(tmp_path) == []


async def test_a_chunk_found_damaged_while_staging_can_be_sent_again(tmp_path: Path) -> None:
    files = {BIG: FILES[BIG]}
    async with served(tmp_path) as client:
        upload_id = await client.create()
        for chunk in all_chunks(files):
            await client.put(upload_id, [chunk])
    damage(tmp_path, all_chunks(files)[2], flip(1000))

    async with served(tmp_path) as client:
        with refused("CHUNK_CORRUPT"):
            await client.stage(upload_id, files)
        missing = await client.missing(upload_id, all_chunks(files))
        assert missing == [all_chunks(files)[2]]
        await client.put(upload_id, missing)
        await client.stage(upload_id, files)
        await client.commit(upload_id, files)
        assert await client.download(REF) == files
    assert problems_in(tmp_path) == []


async def test_damaged_staging_never_becomes_a_version(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        upload_id = await client.create()
        await client.put(upload_id, [FILES[SMALL]])
        await client.stage(upload_id, {SMALL: FILES[SMALL]})
    damage(tmp_path, STAGED_RUN, flip(20))

    async with served(tmp_path) as client:
        with refused("CHUNK_CORRUPT"):
            await client.commit(upload_id, {SMALL: FILES[SMALL]})
        assert await client.versions() == []
        assert (await client.upload({SMALL: FILES[SMALL]})).ref == REF
