"""The streaming calls: chunks and files in, files and bytes out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

from hydria.v1 import artifact_pb2
from hydria_server.domain.digest import split_digests
from hydria_server.domain.errors import FieldViolationError, StalledError
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context, add, note
from hydria_server.rpc.chunk_stream import ChunkStream
from hydria_server.rpc.family import ArtifactRpcs
from hydria_server.rpc.frames import chunk_frame, download_frames
from hydria_server.rpc.hot_messages import DownloadFrame, ReceivedChunks
from hydria_server.rpc.incoming import Incoming, M
from hydria_server.services.downloads import DownloadRequest, FileRead
from hydria_server.services.file_uploads import FileHeader, FileTrailer


class TransferRpcs(ArtifactRpcs):
    """UploadChunks, UploadFile; ListFiles, StreamFiles, Download, ListChunks, FetchChunks."""

    async def UploadChunks(
        self,
        request_iterator: AsyncIterator[artifact_pb2.UploadChunksRequest],
        context: Context,
    ) -> AsyncIterator[artifact_pb2.UploadChunksResponse]:
        # HotMessagesInterceptor has them read by hand.
        received = cast("AsyncIterator[ReceivedChunks]", request_iterator)
        stream = ChunkStream(self.services, self._incoming(received))
        responses = stream.responses()
        try:
            async for response in responses:
                note("bytes_in", stream.received_bytes)
                yield response
        finally:
            await responses.aclose()

    async def UploadFile(
        self,
        request_iterator: AsyncIterator[artifact_pb2.UploadFileRequest],
        context: Context,
    ) -> artifact_pb2.UploadFileResponse:
        incoming = self._incoming(request_iterator)
        try:
            first = await incoming.next()
            if first is None or first.WhichOneof("part") != "header":
                raise FieldViolationError("header", "the first message has it")
            uploaded = await self.services.file_uploads.upload(
                _file_header(first.header), self._file_parts(incoming)
            )
        except StalledError:
            raise  # nobody is writing
        except Exception:
            await incoming.discard()
            raise
        finally:
            await incoming.close()
        return artifact_pb2.UploadFileResponse(
            file=messages.file_message(uploaded.entry),
            stored_bytes=uploaded.outcome.stored_bytes,
            duplicate_bytes=uploaded.outcome.duplicate_bytes,
        )

    async def _file_parts(
        self, incoming: Incoming[artifact_pb2.UploadFileRequest]
    ) -> AsyncIterator[bytes | FileTrailer]:
        while (message := await incoming.next()) is not None:
            match message.WhichOneof("part"):
                case "data":
                    data = message.data
                    add("bytes_in", len(data))
                    yield data
                case "trailer":
                    yield FileTrailer(message.trailer.size_bytes, message.trailer.content_digest)
                case _:
                    raise FieldViolationError(
                        "part", "a message after the first has data or trailer"
                    )

    async def ListFiles(
        self, request: artifact_pb2.ListFilesRequest, context: Context
    ) -> artifact_pb2.ListFilesResponse:
        page = await self.services.files.page(
            request.ref,
            prefix=request.prefix,
            glob=request.glob,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return artifact_pb2.ListFilesResponse(
            files=[messages.file_message(entry) for entry in page.files],
            next_page_token=page.next_page_token,
            version_ref=page.version.ref,
        )

    async def StreamFiles(
        self, request: artifact_pb2.StreamFilesRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.StreamFilesResponse]:
        version, batches = await self.services.files.stream(
            request.ref,
            prefix=request.prefix,
            glob=request.glob,
            after=request.start_after_path,
        )
        note("version", version.ref)
        try:
            yield artifact_pb2.StreamFilesResponse(version_ref=version.ref)
            async for batch in batches:
                add("files_out", len(batch))
                yield artifact_pb2.StreamFilesResponse(
                    files=[messages.file_message(entry) for entry in batch]
                )
        finally:
            await batches.aclose()

    async def Download(
        self, request: artifact_pb2.DownloadRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.DownloadResponse]:
        version, windows = await self.services.downloads.open(_download_request(request))
        note("version", version.ref)
        try:
            first = DownloadFrame(artifact_pb2.DownloadResponse(version_ref=version.ref))
            yield _to_be_written_by_hand(first)
            async for window in windows:
                for frame in download_frames(window, whole_chunks=request.whole_chunks):
                    add("bytes_out", sum(frame.message.sizes))
                    yield _to_be_written_by_hand(frame)
        finally:
            await windows.aclose()

    async def ListChunks(
        self, request: artifact_pb2.ListChunksRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.ListChunksResponse]:
        version, batches = await self.services.chunk_lists.open(request.ref, request.paths)
        note("version", version.ref)
        try:
            yield artifact_pb2.ListChunksResponse(version_ref=version.ref)
            async for batch in batches:
                add("chunks_listed", sum(len(part.chunks) for part in batch))
                yield artifact_pb2.ListChunksResponse(
                    files=[messages.file_chunks_message(part) for part in batch]
                )
        finally:
            await batches.aclose()

    async def FetchChunks(
        self, request: artifact_pb2.FetchChunksRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.FetchChunksResponse]:
        requests.require_few_digests(request.digests)
        digests = split_digests(request.digests, field="digests")
        windows = self.services.downloads.fetch_chunks(request.ref, digests, paths=request.paths)
        try:
            async for refs, payloads in windows:
                for frame in chunk_frame(refs, payloads):
                    add("bytes_out", sum(frame.sizes))
                    yield frame
        finally:
            await windows.aclose()

    def _incoming(self, messages_: AsyncIterator[M]) -> Incoming[M]:
        seconds = self.services.limits.stall_timeout_seconds
        return Incoming(messages_, self.drain, stall_timeout_seconds=seconds)


def _to_be_written_by_hand(frame: DownloadFrame) -> artifact_pb2.DownloadResponse:
    """Return the frame itself: HotMessagesInterceptor writes it as such a message."""
    return cast("artifact_pb2.DownloadResponse", frame)


def _file_header(header: artifact_pb2.UploadFileHeader) -> FileHeader:
    size = header.size_bytes if header.HasField("size_bytes") else None
    note("upload_id", header.upload_id[:80])
    return FileHeader(header.upload_id, header.path, size, header.content_digest, header.writer_id)


def _download_request(request: artifact_pb2.DownloadRequest) -> DownloadRequest:
    return DownloadRequest(
        request.ref,
        [FileRead(read.path, read.offset, read.length) for read in request.reads],
        tuple(request.prefixes),
        request.whole_chunks,
        tuple(request.globs),
    )
