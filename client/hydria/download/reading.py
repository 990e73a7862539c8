"""One file as a stream of verified bytes, without a place on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from blake3 import blake3
from grpc import aio

from hydria.connection import Connection
from hydria.download.frames import FrameChecker, Read, Segment, Wanted
from hydria.errors import (
    RangeOutOfBoundsError,
    ReceivedDataError,
    ServerUnavailableError,
    StreamStalledError,
)
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb

_METHOD = "/hydria.v1.ArtifactService/Download"


def resolve_range(file: Wanted | Reference, offset: int, length: int | None) -> tuple[int, int]:
    """Return where a range begins and ends; a negative offset counts from the end of the file.

    Raises:
        RangeOutOfBoundsError: it begins beyond the end, or before the beginning.
    """
    start = offset + file.size_bytes if offset < 0 else offset
    if not 0 <= start <= file.size_bytes or (length is not None and length < 0):
        raise RangeOutOfBoundsError(
            f"{file.path!r} has {file.size_bytes} bytes; there is no range at {offset}"
        )
    end = file.size_bytes if length is None else min(start + length, file.size_bytes)
    return start, end


class WholeFileCheck:
    """Checks a file by its own digest, once all of its chunks have come from first to last."""

    def __init__(self, file: Wanted) -> None:
        self._file = file
        self._hasher = blake3()
        self._hashed_bytes = 0

    def take(self, chunk: Segment) -> None:
        """Take a chunk; one that does not follow those before is of no use here.

        Raises:
            ReceivedDataError: it is the last one, and all of them together are not the file.
        """
        if chunk.offset != self._hashed_bytes:
            return
        self._hasher.update(chunk.data)
        self._hashed_bytes += len(chunk.data)
        is_end = self._hashed_bytes == self._file.size_bytes
        if is_end and self._hasher.digest() != self._file.content_digest:
            raise ReceivedDataError(f"{self._file.path!r} does not match its digest")


class FileReader:
    """Reads one file of a version, or a part of it."""

    def __init__(
        self,
        connection: Connection,
        version_ref: str,
        file: Wanted,
        *,
        executor: ThreadPoolExecutor,
        patience: Patience,
    ) -> None:
        self._connection = connection
        self._version_ref = version_ref
        self._file = file
        self._executor = executor
        self._patience = patience

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to `end`, each piece verified by its chunk's digest.

        When all of the file is read, its own digest is checked before the last piece is yielded.

        Raises:
            ReceivedDataError: bytes do not match their digest, or were not asked for.
            HydriaError: what the server or the transport says.
        """
        whole = WholeFileCheck(self._file)
        async with aclosing(self.chunks(start, end)) as chunks:
            async for chunk in chunks:
                whole.take(chunk)
                yield bytes(chunk.data[max(start - chunk.offset, 0) : end - chunk.offset])

    async def chunks(self, start: int, end: int) -> AsyncGenerator[Segment, None]:
        """Yield the verified chunks that the bytes from `start` to `end` are in, each one whole.

        Raises:
            As `read`.
        """
        at = start
        while at < end:
            begun_with = at
            try:
                async with aclosing(self._segments(at, end)) as segments:
                    async for segment in segments:
                        at = segment.offset + len(segment.data)
                        yield segment
            except (ServerUnavailableError, StreamStalledError) as error:
                await self._patience.wait_after_stream(error, has_moved=at > begun_with)

    async def _segments(self, start: int, end: int) -> AsyncGenerator[Segment, None]:
        read = Read(self._file, offset=start, length=end - start)
        request = pb.DownloadRequest(ref=self._version_ref, whole_chunks=True)
        request.reads.add(path=self._file.path, offset=start, length=end - start)
        checker = FrameChecker(lambda path: read if path == self._file.path else None)
        method: aio.UnaryStreamMultiCallable[pb.DownloadRequest, bytes] = (
            self._connection.channel.unary_stream(
                _METHOD, request_serializer=pb.DownloadRequest.SerializeToString
            )
        )
        stream = self._connection.stream(
            method, request, stall_seconds=self._patience.limit_seconds
        )
        loop = asyncio.get_running_loop()
        async with aclosing(stream) as frames:
            async for raw in frames:
                for segment in await loop.run_in_executor(self._executor, _check, checker, raw):
                    yield segment
        checker.end()


def _check(checker: FrameChecker, raw: bytes) -> list[Segment]:
    return list(checker.check(raw))
