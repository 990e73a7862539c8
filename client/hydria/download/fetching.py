"""Receives frames in the event loop, while a thread checks and writes the ones before."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from grpc import aio

from hydria.connection import Connection
from hydria.download.frames import FrameChecker, Read, Segment
from hydria.errors import ServerUnavailableError, StreamStalledError
from hydria.groups import first_error
from hydria.retry import Patience
from hydria.threads import Stop, run_in_thread
from hydria.v1 import artifact_pb2 as pb

_METHOD = "/hydria.v1.ArtifactService/Download"
_QUEUED_BYTES_MAX = 16 << 20
_REQUEST_BYTES_MAX = 1 << 20


class FrameQueue:
    """Frames between the loop and one thread; the loop waits when the thread falls behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._has_room = asyncio.Event()

    async def put(self, frame: bytes) -> None:
        """Hand a frame to the thread, when there is room for it."""
        while self._queued_bytes > _QUEUED_BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()
        self._queued_bytes += len(frame)
        self._frames.put(frame)

    def end(self) -> None:
        """Tell the thread that no more frames will come."""
        self._frames.put(None)

    def take(self) -> Iterator[bytes]:
        """Yield frames to the thread until the end."""
        taken_bytes = 0
        while (frame := self._frames.get()) is not None:
            yield frame
            taken_bytes += len(frame)
            if taken_bytes >= _QUEUED_BYTES_MAX // 4:
                self._loop.call_soon_threadsafe(self._make_room, taken_bytes)
                taken_bytes = 0

    def _make_room(self, size_bytes: int) -> None:
        self._queued_bytes -= size_bytes
        self._has_room.set()


class Fetcher:
    """Makes Download calls for one download."""

    def __init__(
        self,
        connection: Connection,
        version_ref: str,
        *,
        executor: ThreadPoolExecutor,
        patience: Patience,
        reads_max: int,
    ) -> None:
        self._connection = connection
        self._version_ref = version_ref
        self._executor = executor
        self._patience = patience
        self._reads_max = reads_max

    def requests(self, reads: Iterator[Read]) -> Iterator[pb.DownloadRequest]:
        """Yield the requests that ask for all of `reads`, each within the server's limits."""
        request = self._request()
        size_bytes = 0
        for read in reads:
            size_bytes += len(read.file.path) * 4 + 32
            if len(request.reads) >= self._reads_max or size_bytes > _REQUEST_BYTES_MAX:
                yield request
                request, size_bytes = self._request(), 0
            length = 0 if read.length is None else read.length
            request.reads.add(path=read.file.path, offset=read.offset, length=length)
        if request.reads:
            yield request

    def request_for_all(self) -> pb.DownloadRequest:
        """Return the request for the whole version."""
        return self._request()

    async def fetch(
        self,
        request: pb.DownloadRequest,
        *,
        find: Callable[[str], Read | None],
        take: Callable[[Segment], None],
        after_frame: Callable[[], None],
        on_frame: Callable[[], None],
    ) -> None:
        """Make one call. `take` and `after_frame` run in a thread, `on_frame` in the loop.

        Raises:
            ServerUnavailableError: the line broke; what came before it was taken.
            StreamStalledError: the same, because one side was too slow.
            HydriaError: the server refuses, or what it sent is not what was asked for.
            OSError: raised by `take`.
        """
        frames, stop = FrameQueue(), Stop()
        broken: list[ServerUnavailableError | StreamStalledError] = []

        def end() -> None:
            stop.set()
            frames.end()

        def work() -> None:
            checker = FrameChecker(find)
            for raw in frames.take():
                stop.check()
                for segment in checker.check(raw):
                    take(segment)
                after_frame()
            if not broken:
                checker.end()

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(run_in_thread(self._executor, work, stop=end))
                try:
                    await self._receive(request, frames, on_frame)
                except (ServerUnavailableError, StreamStalledError) as error:
                    broken.append(error)
                frames.end()
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        if broken:
            raise broken[0]

    async def _receive(
        self, request: pb.DownloadRequest, frames: FrameQueue, on_frame: Callable[[], None]
    ) -> None:
        method: aio.UnaryStreamMultiCallable[pb.DownloadRequest, bytes] = (
            self._connection.channel.unary_stream(
                _METHOD, request_serializer=pb.DownloadRequest.SerializeToString
            )
        )
        stream = self._connection.stream(
            method, request, stall_seconds=self._patience.limit_seconds
        )
        async with aclosing(stream) as raw_frames:
            async for raw in raw_frames:
                await frames.put(raw)
                on_frame()

    def _request(self) -> pb.DownloadRequest:
        return pb.DownloadRequest(ref=self._version_ref, whole_chunks=True)
