"""A team: an entity of its own on a server, and short words for what its clients do."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import xxhash
from blake3 import blake3

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import artifact_pb2_grpc, types_pb2
from tests.refusals import outcome_of
from tests.servers import Server

_NUMBERS = itertools.count()


def digest(data: bytes) -> bytes:
    """Return the digest of `data`, by the library itself."""
    return blake3(data).digest()


def batch(*chunks: bytes, seq: int = 0) -> types_pb2.ChunkBatch:
    """Return a batch of true chunks."""
    return types_pb2.ChunkBatch(
        seq=seq,
        sizes=[len(chunk) for chunk in chunks],
        digests=b"".join(map(digest, chunks)),
        payload=b"".join(chunks),
    )


def entry(path: str, *chunks: bytes) -> pb.FileEntry:
    """Return the true entry of a file that consists of `chunks`."""
    content = b"".join(chunks)
    listed = chunks if len(chunks) > 1 else ()
    return pb.FileEntry(
        path=path,
        size_bytes=len(content),
        content_digest=digest(content),
        chunk_digests=b"".join(map(digest, listed)),
        chunk_sizes=[len(chunk) for chunk in listed],
    )


def recipe(*chunks: bytes) -> bytes:
    """Return a recipe of `chunks`, by the words of the contract."""
    listed = (digest(chunk) + len(chunk).to_bytes(4, "little") for chunk in chunks)
    return b"HYRC\x01" + b"".join(listed)


def version_digest(files: Mapping[str, bytes]) -> bytes:
    """Return the digest of a version, by the words of the contract."""
    hasher = blake3(b"hydria.version.v1\0")
    for path, data in sorted((path.encode(), data) for path, data in files.items()):
        hasher.update(len(path).to_bytes(4, "little") + path)
        hasher.update(b"\0" + len(data).to_bytes(8, "little") + digest(data))
    return hasher.digest()


def put(file: pb.FileEntry) -> pb.StageOperation:
    """Return the operation that puts a file."""
    return pb.StageOperation(put=file)


def remove(path: str) -> pb.StageOperation:
    """Return the operation that leaves out one file of the base."""
    return pb.StageOperation(remove_path=path)


def remove_prefix(prefix: str) -> pb.StageOperation:
    """Return the operation that leaves out the files of the base under a prefix."""
    return pb.StageOperation(remove_prefix=prefix)


@dataclass(slots=True)
class Downloaded:
    """One file of a download: its header, and the bytes of its segments with their places."""

    header: pb.DownloadedFile
    data: bytes = b""
    offsets: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    finished: bool = False


class Download:
    """Takes the frames of a download apart, and checks what every frame promises."""

    MAX_FRAME_BYTES = 3 * 1024 * 1024

    def __init__(self) -> None:
        self.version_ref = ""
        self.files: list[Downloaded] = []
        self.frame_count = 0

    def take(self, frame: pb.DownloadResponse) -> None:
        """Take the next frame."""
        assert frame.ByteSize() <= self.MAX_FRAME_BYTES
        assert frame.payload_xxh3 == xxhash.xxh3_64_intdigest(frame.payload) or not frame.payload
        assert bool(frame.version_ref) == (self.frame_count == 0)
        self.version_ref = self.version_ref or frame.version_ref
        self.frame_count += 1
        for header in frame.files:
            assert header.index == len(self.files)
            self.files.append(Downloaded(header))
        self._take_segments(frame)
        for index in frame.finished_file_indexes:
            assert all(file.finished for file in self.files[:index])
            assert not self.files[index].finished
            self.files[index].finished = True

    def _take_segments(self, frame: pb.DownloadResponse) -> None:
        assert sum(frame.sizes) == len(frame.payload)
        assert len(frame.digests) in (0, 32 * len(frame.sizes))
        at = 0
        columns = zip(frame.file_indexes, frame.offsets, frame.sizes, strict=True)
        for place, (index, offset, size) in enumerate(columns):
            file = self.files[index]
            assert not file.finished
            segment = frame.payload[at : at + size]
            if frame.digests:
                claimed = frame.digests[32 * place : 32 * place + 32]
                assert claimed == digest(segment)
                file.digests.append(claimed)
            file.offsets.append(offset)
            file.data += segment
            at += size

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of each file, all of them whole and true."""
        for file in self.files:
            assert file.finished
            assert len(file.data) == file.header.length == file.header.size_bytes
            assert digest(file.data) == file.header.content_digest
        return {file.header.path: file.data for file in self.files}


@dataclass(frozen=True, slots=True)
class Team:
    """Calls for one entity; tests that share a server have a team each."""

    server: Server
    name: str
    project: str = "birds"
    collection: str = "calls"
    type: str = "dataset"

    @classmethod
    def new(cls, server: Server) -> Team:
        """Return a team that nobody else has."""
        return cls(server, f"team-{next(_NUMBERS)}")

    @property
    def stub(self) -> artifact_pb2_grpc.ArtifactServiceAsyncStub:
        return self.server.stub

    def ref(self, suffix: str = "", *, collection: str = "") -> str:
        """Return the full ref of the collection, with `suffix` (`:v0`)."""
        return f"{self.name}/{self.project}/{collection or self.collection}{suffix}"

    # --- up ---------------------------------------------------------------------------------

    async def log(
        self,
        files: Mapping[str, bytes],
        *,
        collection: str = "",
        type_: str = "",
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str = "",
        metadata_json: str = "",
    ) -> types_pb2.Version:
        """Make a small version, and return it."""
        request = pb.PutVersionRequest(
            entity=self.name,
            project=self.project,
            collection=collection or self.collection,
            type=type_ or self.type,
            files=[pb.InlineFile(path=path, content=data) for path, data in files.items()],
            aliases=aliases,
            tags=tags,
            description=description,
            metadata_json=metadata_json,
        )
        return (await self.stub.PutVersion(request)).version

    async def begin(self, *, base: str = "", collection: str = "", request_id: str = "") -> str:
        """Begin an upload, and return its id."""
        request = pb.CreateUploadRequest(
            entity=self.name,
            project=self.project,
            collection=collection or self.collection,
            type=self.type,
            base_version=base,
            request_id=request_id,
        )
        return (await self.stub.CreateUpload(request)).upload.upload_id

    async def send(self, upload_id: str, *chunks: bytes) -> pb.PutChunksResponse:
        """Send true chunks."""
        return await self.stub.PutChunks(
            pb.PutChunksRequest(upload_id=upload_id, batch=batch(*chunks))
        )

    async def missing(self, upload_id: str, *chunks: bytes) -> list[int]:
        """Return the places of the chunks that must be sent."""
        request = pb.FindMissingChunksRequest(
            upload_id=upload_id,
            digests=b"".join(map(digest, chunks)),
            sizes=[len(chunk) for chunk in chunks],
        )
        return list((await self.stub.FindMissingChunks(request)).missing_indexes)

    async def stage(
        self, upload_id: str, *operations: pb.StageOperation, seq: int = 1, writer: str = ""
    ) -> pb.StageFilesResponse:
        """Stage operations."""
        return await self.stub.StageFiles(
            pb.StageFilesRequest(
                upload_id=upload_id, writer_id=writer, seq=seq, operations=operations
            )
        )

    async def commit(
        self,
        upload_id: str,
        *,
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str = "",
        metadata_json: str = "",
    ) -> pb.CommitUploadResponse:
        """Commit an upload."""
        return await self.stub.CommitUpload(
            pb.CommitUploadRequest(
                upload_id=upload_id,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata_json=metadata_json,
            )
        )

    async def upload(self, upload_id: str, path: str, data: bytes) -> pb.UploadFileResponse:
        """Send one file by UploadFile."""
        header = pb.UploadFileHeader(upload_id=upload_id, path=path, size_bytes=len(data))
        parts = [pb.UploadFileRequest(header=header)]
        parts += [
            pb.UploadFileRequest(data=data[at : at + (1 << 20)])
            for at in range(0, len(data), 1 << 20)
        ]
        return await self.stub.UploadFile(given(parts))

    async def stream(
        self, upload_id: str, *batches: types_pb2.ChunkBatch
    ) -> list[pb.UploadChunksResponse]:
        """Send batches by UploadChunks; return all responses, and raise what the call ends with."""
        header = pb.UploadChunksHeader(upload_id=upload_id)
        requests = [pb.UploadChunksRequest(header=header)]
        requests += [pb.UploadChunksRequest(batch=each) for each in batches]
        return [response async for response in self.stub.UploadChunks(given(requests))]

    async def abort(self, upload_id: str) -> None:
        """Give an upload up."""
        await self.stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))

    async def upload_of(self, upload_id: str) -> types_pb2.Upload:
        """Return an upload as it stands."""
        return (await self.stub.GetUpload(pb.GetUploadRequest(upload_id=upload_id))).upload

    # --- down -------------------------------------------------------------------------------

    async def version(self, suffix: str = "", *, collection: str = "") -> types_pb2.Version:
        """Return the version that a ref of the collection names."""
        request = pb.GetVersionRequest(ref=self.ref(suffix, collection=collection))
        return (await self.stub.GetVersion(request)).version

    async def exists(self) -> bool:
        """Tell whether the collection exists."""
        request = pb.GetCollectionRequest(
            entity=self.name, project=self.project, collection=self.collection
        )
        return await outcome_of(self.stub.GetCollection(request)) == ""

    async def numbers(self) -> list[str]:
        """Return the live versions of the collection, newest first."""
        request = pb.ListVersionsRequest(
            entity=self.name, project=self.project, collection=self.collection
        )
        return [each.version for each in (await self.stub.ListVersions(request)).versions]

    async def download(
        self,
        suffix: str = "",
        *,
        reads: Sequence[pb.FileRead] = (),
        prefixes: Sequence[str] = (),
        globs: Sequence[str] = (),
        whole_chunks: bool = False,
    ) -> Download:
        """Download, and check every frame."""
        request = pb.DownloadRequest(
            ref=self.ref(suffix),
            reads=reads,
            prefixes=prefixes,
            globs=globs,
            whole_chunks=whole_chunks,
        )
        download = Download()
        async for frame in self.stub.Download(request):
            download.take(frame)
        return download

    async def contents(self, suffix: str = "") -> dict[str, bytes]:
        """Return all files of a version."""
        return (await self.download(suffix)).contents()

    async def paths(self, suffix: str = "") -> list[str]:
        """Return all paths of a version."""
        files: list[str] = []
        async for part in self.stub.StreamFiles(pb.StreamFilesRequest(ref=self.ref(suffix))):
            files.extend(file.path for file in part.files)
        return files

    # --- words ------------------------------------------------------------------------------

    async def point(
        self, alias: str, version: str, *, expected: str | None = None
    ) -> pb.UpdateAliasesResponse:
        """Point an alias to a version."""
        operation = pb.AliasOperation(alias=alias, set_version=version, expected_version=expected)
        return await self.change_aliases(operation)

    async def change_aliases(self, *operations: pb.AliasOperation) -> pb.UpdateAliasesResponse:
        """Apply operations on aliases."""
        return await self.stub.UpdateAliases(
            pb.UpdateAliasesRequest(
                entity=self.name,
                project=self.project,
                collection=self.collection,
                operations=operations,
            )
        )

    async def delete(
        self, suffix: str, *, delete_aliases: bool = False, etag: str = ""
    ) -> types_pb2.Version:
        """Delete a version."""
        request = pb.DeleteVersionRequest(
            ref=self.ref(suffix), delete_aliases=delete_aliases, etag=etag
        )
        return (await self.stub.DeleteVersion(request)).version

    async def delete_collection(self, *, etag: str = "") -> int:
        """Delete the collection; return how many versions went with it."""
        request = pb.DeleteCollectionRequest(
            entity=self.name, project=self.project, collection=self.collection, etag=etag
        )
        return (await self.stub.DeleteCollection(request)).deleted_version_count

    async def rename(self, name: str) -> types_pb2.Collection:
        """Give the collection another name."""
        request = pb.UpdateCollectionRequest(
            entity=self.name, project=self.project, collection=self.collection, name=name
        )
        request.update_mask.paths.append("name")
        return (await self.stub.UpdateCollection(request)).collection


M = TypeVar("M")


async def given(messages: Iterable[M]) -> AsyncIterator[M]:
    """Yield the messages as a client's stream."""
    for message in messages:
        yield message
