"""A version of very many files, by generated stubs, in a process of its own.

`python -m benchmarks.staging_step stage ADDRESS COUNT` begins an upload and stages so many small
files, which share a few chunks so that it is quick; `... commit ADDRESS` makes the version.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence

from blake3 import blake3
from grpc import aio

from benchmarks.own_use import print_measured
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import artifact_pb2_grpc, types_pb2

COLLECTION = "local/bench/million"
CHUNK_COUNT = 64
_CHUNK_BYTES = 1024
_FILES_PER_BATCH = 5_000
_CALL_SECONDS = 900.0

Figures = dict[str, float]


def path_of(index: int) -> str:
    """Return the path of one of the files; they sort by their number."""
    return f"data/{index // 1000:04d}/{index:07d}.bin"


async def _begin(stub: artifact_pb2_grpc.ArtifactServiceAsyncStub) -> str:
    entity, project, collection = COLLECTION.split("/")
    request = pb.CreateUploadRequest(
        entity=entity, project=project, collection=collection, type="dataset", request_id="million"
    )
    return (await stub.CreateUpload(request, timeout=_CALL_SECONDS)).upload.upload_id


async def stage(stub: artifact_pb2_grpc.ArtifactServiceAsyncStub, count: str) -> Figures:
    """Send the chunks and stage the files."""
    upload_id = await _begin(stub)
    chunks = [os.urandom(_CHUNK_BYTES) for _chunk in range(CHUNK_COUNT)]
    digests = [blake3(chunk).digest() for chunk in chunks]
    batch = types_pb2.ChunkBatch(
        seq=1,
        sizes=[_CHUNK_BYTES] * CHUNK_COUNT,
        digests=b"".join(digests),
        payload=b"".join(chunks),
    )
    request = pb.PutChunksRequest(upload_id=upload_id, batch=batch)
    await stub.PutChunks(request, timeout=_CALL_SECONDS)
    for seq, begin in enumerate(range(0, int(count), _FILES_PER_BATCH), 1):
        indexes = range(begin, min(begin + _FILES_PER_BATCH, int(count)))
        await stub.StageFiles(_files(upload_id, seq, indexes, digests), timeout=_CALL_SECONDS)
    return {"files": int(count)}


def _files(
    upload_id: str, seq: int, indexes: range, digests: Sequence[bytes]
) -> pb.StageFilesRequest:
    return pb.StageFilesRequest(
        upload_id=upload_id,
        seq=seq,
        operations=[
            pb.StageOperation(
                put=pb.FileEntry(
                    path=path_of(index),
                    size_bytes=_CHUNK_BYTES,
                    content_digest=digests[index % CHUNK_COUNT],
                )
            )
            for index in indexes
        ],
    )


async def commit(stub: artifact_pb2_grpc.ArtifactServiceAsyncStub) -> Figures:
    """Make the version of what the upload has staged."""
    request = pb.CommitUploadRequest(upload_id=await _begin(stub))
    response = await stub.CommitUpload(request, timeout=_CALL_SECONDS)
    return {"files": response.version.file_count}


async def main(step: str, address: str, *arguments: str) -> None:
    """Run the step and print what it measured."""
    async with aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        stub: artifact_pb2_grpc.ArtifactServiceAsyncStub
        stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
        cpu, begun_at = time.process_time(), time.perf_counter()
        figures = await (stage(stub, *arguments) if step == "stage" else commit(stub))
        seconds = time.perf_counter() - begun_at
        print_measured(seconds, time.process_time() - cpu, figures)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
