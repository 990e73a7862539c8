"""Streams of chunks to the server: sends batches, notes what is durable, survives a broken one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from grpc import aio

from hydria.errors import HydriaError, ServerUnavailableError, StreamStalledError
from hydria.groups import first_error
from hydria.status import error_of_message, error_of_rpc, is_lost_transport
from hydria.upload.pieces import Piece
from hydria.upload.session import UploadSession
from hydria.upload.wire import encode_batch, encode_header
from hydria.v1 import artifact_pb2 as pb

_METHOD = "/hydria.v1.ArtifactService/UploadChunks"
# A stream with nothing to say is closed before the server wonders whether we are still there.
_IDLE_SECONDS = 2.0
# Payloads of about 1 MiB cost the least on both sides.
_BATCH_BYTES = 1 << 20
_BATCH_PIECES = 4096

_Call = aio.StreamStreamCall[bytes, pb.UploadChunksResponse]


class Batch:
    """Pieces that travel together. `durable` is set once the server has all of them for good."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.size_bytes = 0
        self.durable = asyncio.Event()

    def add(self, piece: Piece) -> None:
        """Take a piece along."""
        self.pieces.append(piece)
        self.size_bytes += piece.size_bytes

    def is_full_for(self, piece: Piece) -> bool:
        """Tell whether the next piece should travel in another batch."""
        return bool(self.pieces) and (
            self.size_bytes + piece.size_bytes > _BATCH_BYTES or len(self.pieces) >= _BATCH_PIECES
        )


class Outbox:
    """Batches that wait for a lane."""

    def __init__(self) -> None:
        self.batches: deque[Batch] = deque()
        self.is_closed = False
        self._wakers: list[Callable[[], None]] = []

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when there is something new."""
        self._wakers.append(wake)

    def put(self, batch: Batch) -> None:
        """Add a batch."""
        self.batches.append(batch)
        self._wake_all()

    def close(self) -> None:
        """Say that no more batches will come."""
        self.is_closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wakers:
            wake()


class Lane:
    """Sends batches of an outbox, on one stream at a time."""

    def __init__(
        self,
        session: UploadSession,
        outbox: Outbox,
        *,
        unacked_bytes_max: int,
        on_sent: Callable[[int], None],
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._unacked_bytes_max = unacked_bytes_max
        self._on_sent = on_sent
        self._again: deque[Batch] = deque()  # sent before, on a stream that broke
        self._unacked: deque[Batch] = deque()
        self._unacked_bytes = 0
        self._first_seq = 1  # of the first batch in _unacked
        self._fatal: HydriaError | None = None
        self._changed = asyncio.Event()
        outbox.subscribe(self._changed.set)

    async def run(self) -> None:
        """Send until the outbox is closed and everything of this lane is durable.

        Raises:
            HydriaError: the upload cannot go on.
        """
        while await self._has_work():
            try:
                await self._run_stream()
            except ServerUnavailableError as error:
                await self._session.patience.wait_after(error)
                await self._sort_out()

    async def _has_work(self) -> bool:
        """Wait for something to send, and tell whether there ever will be."""
        while not (self._again or self._outbox.batches or self._outbox.is_closed):
            self._changed.clear()
            await self._changed.wait()
        return bool(self._again or self._outbox.batches)

    async def _sort_out(self) -> None:
        """Find out what of a broken stream became durable; the rest has to be sent again."""
        while self._unacked:
            batch = self._unacked[0]
            # Asking is no progress: where streams break at once, patience has to end.
            missing = await self._session.find_missing(batch.pieces, is_progress=False)
            self._unacked.popleft()
            if len(missing) < len(batch.pieces):
                self._session.patience.moved()
            batch.pieces = missing
            batch.size_bytes = sum(piece.size_bytes for piece in missing)
            if missing:
                self._again.append(batch)
            else:
                batch.durable.set()

    # --- one stream -----------------------------------------------------------------------------

    async def _run_stream(self) -> None:
        self._first_seq, self._unacked_bytes, self._fatal = 1, 0, None
        connection = self._session.connection
        method: aio.StreamStreamMultiCallable[bytes, pb.UploadChunksResponse] = (
            connection.channel.stream_stream(
                _METHOD, response_deserializer=pb.UploadChunksResponse.FromString
            )
        )
        call = method()
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(call))
                await self._read(call)
                writer.cancel()
        except BaseExceptionGroup as group:
            raise self._failure(first_error(group)) from group
        except asyncio.CancelledError as failure:
            connection.raise_if_closed(failure)
            raise
        finally:
            call.cancel()
        if self._fatal:
            raise self._fatal
        if self._unacked:
            raise ServerUnavailableError("the server ended a stream with batches not acknowledged")

    def _failure(self, error: BaseException) -> BaseException:
        """Return what to raise for what ended the stream."""
        if not isinstance(error, aio.AioRpcError):
            return error
        if self._fatal:
            return self._fatal
        failure = error_of_rpc(error, address=str(self._session.connection.address))
        if is_lost_transport(error) and not isinstance(failure, ServerUnavailableError):
            return ServerUnavailableError(f"the stream broke: {failure.message}")
        return failure

    async def _read(self, call: _Call) -> None:
        """Read acknowledgements to the end of the stream."""
        stall_seconds = self._session.patience.limit_seconds
        while True:
            try:
                async with asyncio.timeout(stall_seconds):
                    response = await call.read()
            except TimeoutError as failure:
                message = f"the server acknowledged nothing for {stall_seconds:.0f} s"
                raise StreamStalledError(message) from failure
            if response is aio.EOF:
                return
            self._take(cast("pb.UploadChunksResponse", response))

    def _take(self, response: pb.UploadChunksResponse) -> None:
        if response.errors and not self._fatal:
            self._fatal = error_of_message(response.errors[0].error)
        if response.HasField("fatal"):
            self._fatal = error_of_message(response.fatal)
        while self._unacked and self._first_seq <= response.durable_through_seq:
            batch = self._unacked.popleft()
            self._first_seq += 1
            self._unacked_bytes -= batch.size_bytes
            batch.durable.set()
            self._session.patience.moved()
        self._changed.set()

    async def _write(self, call: _Call) -> None:
        """Write batches until there are none for a while, or the stream has failed."""
        try:
            await call.write(encode_header(self._session.upload_id))
            seq = 0
            while batch := await self._next_batch():
                seq += 1
                self._unacked.append(batch)
                self._unacked_bytes += batch.size_bytes
                await call.write(encode_batch(seq, batch.pieces))
                self._on_sent(batch.size_bytes)
            await call.done_writing()
        except (aio.AioRpcError, asyncio.InvalidStateError):
            return  # reading tells why

    async def _next_batch(self) -> Batch | None:
        """Return what to send next, None when the stream shall end."""
        while not self._fatal:
            waiting = self._again or self._outbox.batches
            if waiting and self._has_room_for(waiting[0]):
                return waiting.popleft()
            if not waiting and self._outbox.is_closed:
                return None
            self._changed.clear()
            try:
                async with asyncio.timeout(None if waiting else _IDLE_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                return None
        return None

    def _has_room_for(self, batch: Batch) -> bool:
        """One batch may always travel, even one over the limit."""
        return not self._unacked or (
            self._unacked_bytes + batch.size_bytes <= self._unacked_bytes_max
        )
