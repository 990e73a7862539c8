"""Fetches chunks by their digests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import xxhash
from blake3 import blake3
from google.protobuf.message import DecodeError
from grpc import aio

from hydria.connection import Connection
from hydria.digests import DIGEST_BYTES
from hydria.download.pump import pump
from hydria.errors import ReceivedDataError, ServerUnavailableError, StreamStalledError
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

_METHOD = "/hydria.v1.ArtifactService/FetchChunks"

Chunk = tuple[bytes, int]
"""Digest and size in bytes."""
Take = Callable[[bytes, memoryview], None]


class ChunkFetcher:
    """Makes FetchChunks calls for one download."""

    def __init__(
        self,
        connection: Connection,
        version_ref: str,
        *,
        executor: ThreadPoolExecutor,
        patience: Patience,
        digests_max: int,
    ) -> None:
        self._connection = connection
        self._version_ref = version_ref
        self._executor = executor
        self._patience = patience
        self._digests_max = digests_max

    async def fetch(
        self,
        chunks: Sequence[Chunk],
        paths: Sequence[str],
        *,
        take: Take,
        on_frame: Callable[[], None],
    ) -> None:
        """Fetch chunks that these files have, beginning again when the line breaks.

        `take` gets each of them, verified, in a thread; `on_frame` is called in the loop.

        Raises:
            ReceivedDataError: the server sent something else.
            HydriaError: what else the server or the transport says.
            OSError: raised by `take`.
        """
        done = 0

        def count(digest: bytes, data: memoryview) -> None:
            nonlocal done
            take(digest, data)
            done += 1

        while done < len(chunks):
            begun_with = done
            try:
                upcoming = chunks[done : done + self._digests_max]
                await self._fetch(upcoming, paths, take=count, on_frame=on_frame)
            except (ServerUnavailableError, StreamStalledError) as error:
                await self._patience.wait_after_stream(error, has_moved=done > begun_with)

    async def _fetch(
        self,
        chunks: Sequence[Chunk],
        paths: Sequence[str],
        *,
        take: Take,
        on_frame: Callable[[], None],
    ) -> None:
        request = pb.FetchChunksRequest(
            ref=self._version_ref, digests=b"".join([digest for digest, _ in chunks]), paths=paths
        )
        checker = ChunkChecker(chunks)
        method: aio.UnaryStreamMultiCallable[pb.FetchChunksRequest, bytes] = (
            self._connection.channel.unary_stream(
                _METHOD, request_serializer=pb.FetchChunksRequest.SerializeToString
            )
        )
        await pump(
            self._connection.stream(method, request, stall_seconds=self._patience.limit_seconds),
            executor=self._executor,
            work=lambda raw: checker.check(raw, take),
            end=checker.end,
            on_response=on_frame,
        )


class ChunkChecker:
    """Checks the frames of one FetchChunks call against what was asked for."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks
        self._next = 0

    def check(self, raw: bytes, take: Take) -> None:
        """Hand the chunks of a frame to `take`.

        Raises:
            ReceivedDataError: the frame has anything but the next chunks that were asked for.
        """
        try:
            frame = pb.FetchChunksResponse.FromString(raw)
        except DecodeError as error:
            raise ReceivedDataError("the server sent a frame that cannot be decoded") from error
        if frame.compression not in (types.COMPRESSION_UNSPECIFIED, types.COMPRESSION_IDENTITY):
            raise ReceivedDataError("the server sent a compressed frame, which was not asked for")
        expected = self._chunks[self._next : self._next + len(frame.sizes)]
        if not expected or (
            list(frame.sizes) != [size_bytes for _, size_bytes in expected]
            or frame.digests != b"".join([digest for digest, _ in expected])
        ):
            raise ReceivedDataError("the server sent other chunks than those asked for")
        payload = memoryview(frame.payload)
        if (
            len(payload) != sum(frame.sizes)
            or frame.payload_xxh3 != xxhash.xxh3_64_intdigest(payload)
            or len(frame.digests) != DIGEST_BYTES * len(expected)
        ):
            raise ReceivedDataError("a frame was damaged on its way")
        for digest, size_bytes in expected:
            data, payload = payload[:size_bytes], payload[size_bytes:]
            if blake3(data).digest() != digest:
                raise ReceivedDataError("a chunk does not match its digest")
            take(digest, data)
            self._next += 1

    def end(self) -> None:
        """Check that the call may end here.

        Raises:
            ReceivedDataError: chunks that were asked for did not come.
        """
        if self._next < len(self._chunks):
            raise ReceivedDataError("the server did not send all chunks that were asked for")
