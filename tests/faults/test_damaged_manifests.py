"""Manifests, recipes and staged runs are chunks too: damaged ones are told, and come back."""

from __future__ import annotations

from pathlib import Path

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.damage import BIG, FILES, REF, SMALL, damage, flip, served
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    PROJECT,
    StubClient,
    all_chunks,
    digest_of,
    random_files,
)
from tests.refusals import refused

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
