"""Two clients made of nothing but generated stubs and a hash, thirty lines each.

They are what somebody writes in another language after reading `protos/`: neither imports anything
of the Python client, nor of the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
from blake3 import blake3

from hydria.v1 import artifact_pb2, artifact_pb2_grpc, types_pb2
from tests.noise import noise
from tests.servers import server_process

FILES = {
    "README.md": b"# birds\n",
    "empty": b"",
    "calls/tit.wav": noise(3_000_000, 1),
    "calls/wren.wav": noise(2 * 1024 * 1024, 2),
}


def log_by_files(stub: artifact_pb2_grpc.ArtifactServiceStub, files: Mapping[str, bytes]) -> str:
    """Log files by UploadFile: the server cuts and hashes. Return the version's ref."""

    def messages(path: str, data: bytes) -> Iterator[artifact_pb2.UploadFileRequest]:
        header = artifact_pb2.UploadFileHeader(
            upload_id=upload.upload_id, path=path, size_bytes=len(data)
        )
        yield artifact_pb2.UploadFileRequest(header=header)
        for at in range(0, len(data), 1 << 20):
            yield artifact_pb2.UploadFileRequest(data=data[at : at + (1 << 20)])

    upload = stub.CreateUpload(
        artifact_pb2.CreateUploadRequest(
            entity="team", project="birds", collection="by-files", type="dataset"
        )
    ).upload
    for path, data in files.items():
        stub.UploadFile(messages(path, data))
    committed = stub.CommitUpload(
        artifact_pb2.CommitUploadRequest(upload_id=upload.upload_id, aliases=["best"])
    )
    return committed.version.ref


def log_by_chunks(stub: artifact_pb2_grpc.ArtifactServiceStub, files: Mapping[str, bytes]) -> str:
    """Log files by chunks of 1 MiB: only what the server lacks is sent. Return the ref."""
    upload = stub.CreateUpload(
        artifact_pb2.CreateUploadRequest(
            entity="team", project="birds", collection="by-chunks", type="dataset"
        )
    ).upload
    stage = artifact_pb2.StageFilesRequest(upload_id=upload.upload_id, seq=1)
    for path, data in files.items():
        chunks = [data[at : at + (1 << 20)] for at in range(0, len(data), 1 << 20)]
        digests = [blake3(chunk).digest() for chunk in chunks]
        sizes = [len(chunk) for chunk in chunks]
        missing = stub.FindMissingChunks(
            artifact_pb2.FindMissingChunksRequest(
                upload_id=upload.upload_id, digests=b"".join(digests), sizes=sizes
            )
        ).missing_indexes
        for at in missing:
            batch = types_pb2.ChunkBatch(sizes=[sizes[at]], digests=digests[at], payload=chunks[at])
            stub.PutChunks(artifact_pb2.PutChunksRequest(upload_id=upload.upload_id, batch=batch))
        file = stage.operations.add().put
        file.path, file.size_bytes, file.content_digest = path, len(data), blake3(data).digest()
        if len(chunks) > 1:
            file.chunk_digests = b"".join(digests)
            file.chunk_sizes.extend(sizes)
    stub.StageFiles(stage)
    committed = stub.CommitUpload(artifact_pb2.CommitUploadRequest(upload_id=upload.upload_id))
    return committed.version.ref


def download(stub: artifact_pb2_grpc.ArtifactServiceStub, ref: str) -> dict[str, bytes]:
    """Return the files of a version, verified."""
    headers: dict[int, artifact_pb2.DownloadedFile] = {}
    contents: dict[int, bytes] = {}
    for frame in stub.Download(artifact_pb2.DownloadRequest(ref=ref)):
        for header in frame.files:
            headers[header.index], contents[header.index] = header, b""
        at = 0
        for index, size in zip(frame.file_indexes, frame.sizes, strict=True):
            contents[index] += frame.payload[at : at + size]
            at += size
    for index, header in headers.items():
        assert blake3(contents[index]).digest() == header.content_digest
    return {header.path: contents[index] for index, header in headers.items()}


def test_thirty_lines_log_a_dataset_and_read_it_back(tmp_path: Path) -> None:
    with (
        server_process(tmp_path / "data") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
        by_files = log_by_files(stub, FILES)
        assert by_files == "team/birds/by-files:v0"
        assert download(stub, by_files) == FILES
        by_chunks = log_by_chunks(stub, FILES)
        assert by_chunks == "team/birds/by-chunks:v0"
        assert download(stub, by_chunks) == FILES
        versions = [
            stub.GetVersion(artifact_pb2.GetVersionRequest(ref=ref)).version
            for ref in (by_files, by_chunks, "team/birds/by-files:best")
        ]
        assert len({version.digest for version in versions}) == 1, "the way up does not matter"
        edited = {**FILES, "calls/tit.wav": FILES["calls/tit.wav"] + b"more"}
        assert log_by_chunks(stub, edited) == "team/birds/by-chunks:v1"
        assert download(stub, "team/birds/by-chunks") == edited
