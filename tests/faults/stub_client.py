"""A client made of nothing but generated stubs, which remembers what it was promised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from blake3 import blake3
from pyfastcdc import FastCDC

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import artifact_pb2_grpc, registry_pb2_grpc, types_pb2
from tests.noise import noise

Files = Mapping[str, bytes]

ENTITY, PROJECT, COLLECTION = "team", "plant", "data"
NAME = f"{ENTITY}/{PROJECT}/{COLLECTION}"
CALL_SECONDS = 20.0
MAX_CHUNK_BYTES = 2 * 1024 * 1024
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)


def random_files(seed: int, *sizes: int) -> dict[str, bytes]:
    """Return files of these sizes; the same seed makes the same bytes."""
    return {f"d{n % 3}/f{n}.bin": noise(size, seed, n) for n, size in enumerate(sizes)}


def chunks_of(content: bytes) -> list[bytes]:
    """Cut a file as `ServerInfo.chunker` says."""
    if len(content) <= MAX_CHUNK_BYTES:
        return [content] if content else []
    cutter = FastCDC(524_288, min_size=131_072, max_size=2_097_152, normalized_chunking=2, seed=0)
    return [content[cut.offset : cut.offset + cut.length] for cut in cutter.cut_buf(content)]


def digest_of(data: bytes) -> bytes:
    """Return the 32 bytes that name `data`."""
    return blake3(data).digest()


def all_chunks(files: Files) -> list[bytes]:
    """Return every chunk of the files once, in order."""
    return list({chunk: None for content in files.values() for chunk in chunks_of(content)})


def entry_of(path: str, content: bytes) -> pb.FileEntry:
    """Return the file as StageFiles wants it."""
    entry = pb.FileEntry(path=path, size_bytes=len(content), content_digest=digest_of(content))
    if len(content) > MAX_CHUNK_BYTES:
        chunks = chunks_of(content)
        entry.chunk_digests = b"".join(map(digest_of, chunks))
        entry.chunk_sizes.extend(map(len, chunks))
    return entry


@dataclass(slots=True)
class Promises:
    """What the server has said, and so must keep whatever happens to it."""

    durable_chunks: list[bytes] = field(default_factory=list)
    staged_seqs: int = 0
    durable_files: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, Files] = field(default_factory=dict)


class StubClient:
    """Calls one server. Every call has a deadline."""

    def __init__(self, channel: grpc.aio.Channel, promises: Promises) -> None:
        self.stub: artifact_pb2_grpc.ArtifactServiceAsyncStub
        self.stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
        self.registry: registry_pb2_grpc.RegistryServiceAsyncStub
        self.registry = registry_pb2_grpc.RegistryServiceStub(channel)
        self.promises = promises

    async def create(self, request_id: str = "") -> str:
        """Begin an upload; return its id."""
        return (await self.begin(request_id)).upload_id

    async def begin(self, request_id: str) -> types_pb2.Upload:
        """Begin an upload, or find the one that was begun with that request id."""
        request = pb.CreateUploadRequest(
            entity=ENTITY,
            project=PROJECT,
            collection=COLLECTION,
            type="dataset",
            request_id=request_id,
        )
        return (await self.stub.CreateUpload(request, timeout=CALL_SECONDS)).upload

    async def missing(self, upload_id: str, chunks: Sequence[bytes]) -> list[bytes]:
        """Return those chunks that the server asks for."""
        request = pb.FindMissingChunksRequest(
            upload_id=upload_id,
            digests=b"".join(map(digest_of, chunks)),
            sizes=[len(chunk) for chunk in chunks],
        )
        response = await self.stub.FindMissingChunks(request, timeout=CALL_SECONDS)
        return [chunks[index] for index in response.missing_indexes]

    async def send(self, upload_id: str, chunks: Sequence[bytes]) -> None:
        """Send chunks on a stream, each after the one before it is durable."""
        call = self.stub.UploadChunks(timeout=CALL_SECONDS)
        try:
            header = pb.UploadChunksHeader(upload_id=upload_id)
            await call.write(pb.UploadChunksRequest(header=header))
            for seq, chunk in enumerate(chunks, 1):
                await call.write(pb.UploadChunksRequest(batch=batch_of([chunk], seq)))
                await self._read_until_durable(call, seq)
                self.promises.durable_chunks.append(chunk)
            await call.done_writing()
            while await call.read() is not grpc.aio.EOF:
                pass
        finally:
            call.cancel()

    async def _read_until_durable(
        self,
        call: grpc.aio.StreamStreamCall[pb.UploadChunksRequest, pb.UploadChunksResponse],
        seq: int,
    ) -> None:
        while True:
            response = await call.read()
            if response is grpc.aio.EOF or not isinstance(response, pb.UploadChunksResponse):
                raise AssertionError("the server ended the stream before the client did")
            assert not response.errors
            assert not response.fatal.reason, response.fatal
            if response.durable_through_seq >= seq:
                return

    async def put(self, upload_id: str, chunks: Sequence[bytes]) -> pb.PutChunksResponse:
        """Send chunks in one unary call."""
        request = pb.PutChunksRequest(upload_id=upload_id, batch=batch_of(chunks, 1))
        response = await self.stub.PutChunks(request, timeout=CALL_SECONDS)
        self.promises.durable_chunks.extend(chunks)
        return response

    async def stage(self, upload_id: str, files: Files) -> None:
        """Stage each file in a batch of its own, after those that are staged already."""
        for seq, (path, content) in enumerate(files.items(), 1):
            if seq <= self.promises.staged_seqs:
                continue
            operation = pb.StageOperation(put=entry_of(path, content))
            request = pb.StageFilesRequest(upload_id=upload_id, seq=seq, operations=[operation])
            response = await self.stub.StageFiles(request, timeout=CALL_SECONDS)
            assert response.staged_through_seq >= seq
            assert not response.missing_digests
            self.promises.staged_seqs = seq

    async def upload_file(
        self, upload_id: str, path: str, content: bytes, *, writer_id: str = ""
    ) -> None:
        """Send one file as a plain stream of bytes."""
        header = pb.UploadFileHeader(
            upload_id=upload_id, path=path, size_bytes=len(content), writer_id=writer_id
        )
        call = self.stub.UploadFile(_messages(header, content), timeout=CALL_SECONDS)
        response = await call
        assert response.file.content_digest == digest_of(content)
        self.promises.durable_files[path] = content
        self.promises.durable_chunks.extend(chunks_of(content))

    async def commit(self, upload_id: str, files: Files, *aliases: str) -> pb.CommitUploadResponse:
        """Make the version of what is staged, which is `files`."""
        request = pb.CommitUploadRequest(upload_id=upload_id, aliases=aliases)
        response = await self.stub.CommitUpload(request, timeout=CALL_SECONDS)
        self.promises.versions[response.version.ref] = dict(files)
        return response

    async def upload(self, files: Files, *aliases: str) -> types_pb2.Version:
        """Make a version by the chunk path, in a session of its own."""
        upload_id = await self.create()
        chunks = all_chunks(files)
        for chunk in await self.missing(upload_id, chunks):
            await self.put(upload_id, [chunk])
        operations = [pb.StageOperation(put=entry_of(p, c)) for p, c in files.items()]
        request = pb.StageFilesRequest(upload_id=upload_id, seq=1, operations=operations)
        await self.stub.StageFiles(request, timeout=CALL_SECONDS)
        return (await self.commit(upload_id, files, *aliases)).version

    async def versions(self) -> list[str]:
        """Return the refs of all visible versions, oldest first."""
        request = pb.ListVersionsRequest(
            entity=ENTITY, project=PROJECT, order_by="version", page_size=1000
        )
        try:
            response = await self.stub.ListVersions(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return []
            raise
        return [version.ref for version in response.versions]

    async def download(self, ref: str) -> dict[str, bytes]:
        """Return all files of a version, each checked against its digest."""
        files: dict[int, bytearray] = {}
        heads: dict[int, pb.DownloadedFile] = {}
        call = self.stub.Download(pb.DownloadRequest(ref=ref), timeout=CALL_SECONDS)
        async for frame in call:
            for head in frame.files:
                heads[head.index], files[head.index] = head, bytearray()
            at = 0
            for index, size in zip(frame.file_indexes, frame.sizes, strict=True):
                files[index] += frame.payload[at : at + size]
                at += size
        for index, head in heads.items():
            assert digest_of(bytes(files[index])) == head.content_digest, head.path
        return {head.path: bytes(files[index]) for index, head in heads.items()}


@asynccontextmanager
async def stub_client(address: str, promises: Promises | None = None) -> AsyncIterator[StubClient]:
    """Connect to a server. What it promises is added to `promises`."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield StubClient(channel, promises or Promises())


def batch_of(chunks: Sequence[bytes], seq: int) -> types_pb2.ChunkBatch:
    """Return chunks by columns."""
    return types_pb2.ChunkBatch(
        seq=seq,
        sizes=[len(chunk) for chunk in chunks],
        digests=b"".join(map(digest_of, chunks)),
        payload=b"".join(chunks),
    )


def _messages(header: pb.UploadFileHeader, content: bytes) -> Iterator[pb.UploadFileRequest]:
    yield pb.UploadFileRequest(header=header)
    for start in range(0, len(content), 1024 * 1024):
        yield pb.UploadFileRequest(data=content[start : start + 1024 * 1024])
