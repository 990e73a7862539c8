"""Makes Download calls, while a thread checks and writes what came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from grpc import aio

from hydria.connection import Connection
from hydria.download.frames import FrameChecker, Read, Segment
from hydria.download.pump import pump
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb

_METHOD = "/hydria.v1.ArtifactService/Download"
_REQUEST_BYTES_MAX = 1 << 20


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
        checker = FrameChecker(find)

        def work(raw: bytes) -> None:
            for segment in checker.check(raw):
                take(segment)
            after_frame()

        method: aio.UnaryStreamMultiCallable[pb.DownloadRequest, bytes] = (
            self._connection.channel.unary_stream(
                _METHOD, request_serializer=pb.DownloadRequest.SerializeToString
            )
        )
        await pump(
            self._connection.stream(method, request, stall_seconds=self._patience.limit_seconds),
            executor=self._executor,
            work=work,
            end=checker.end,
            on_response=on_frame,
        )

    def _request(self) -> pb.DownloadRequest:
        return pb.DownloadRequest(ref=self._version_ref, whole_chunks=True)
