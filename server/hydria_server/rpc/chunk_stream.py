"""UploadChunks: batches in, acknowledgements out, failures in-band."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from hydria.v1 import artifact_pb2, types_pb2
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.records import UploadRecord
from hydria_server.rpc.chunk_errors import chunk_error
from hydria_server.rpc.errors import ReportedError, to_wire
from hydria_server.rpc.hot_messages import ReceivedChunks
from hydria_server.rpc.incoming import Incoming
from hydria_server.rpc.requests import chunk_batch
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.chunk_uploads import VerifiedBatch

# About 160 bytes each: many fit into a response, but not those of several large batches.
_ERRORS_TOLD = 5_000
_ERRORS_WAITING = 20_000


@dataclass(slots=True)
class _Progress:
    """How far a stream has come. Batches become durable in any order, and are told in theirs."""

    received_through: int = 0
    durable_through: int = 0
    early: set[int] = field(default_factory=set)
    errors: list[types_pb2.ChunkError] = field(default_factory=list)
    stored_bytes: int = 0
    duplicate_bytes: int = 0

    def set_durable(self, seq: int) -> None:
        self.early.add(seq)
        while self.durable_through + 1 in self.early:
            self.durable_through += 1
            self.early.remove(self.durable_through)

    def take_response(self) -> artifact_pb2.UploadChunksResponse:
        errors, self.errors = self.errors[:_ERRORS_TOLD], self.errors[_ERRORS_TOLD:]
        return artifact_pb2.UploadChunksResponse(
            received_through_seq=self.received_through,
            durable_through_seq=self.durable_through,
            errors=errors,
            stored_bytes=self.stored_bytes,
            duplicate_bytes=self.duplicate_bytes,
        )


class ChunkStream:
    """Serves one UploadChunks call."""

    def __init__(
        self,
        services: ArtifactServices,
        incoming: Incoming[ReceivedChunks],
    ) -> None:
        self._services = services
        self._incoming = incoming
        self._progress = _Progress()
        self._changed = asyncio.Event()
        self._told = asyncio.Event()
        self.received_bytes = 0

    async def responses(self) -> AsyncGenerator[artifact_pb2.UploadChunksResponse, None]:
        """Yield acknowledgements as batches become durable; the last one covers all.

        Raises:
            ReportedError: the stream failed; `fatal` was sent, and the client has half-closed or
                had its time to.
        """
        work = asyncio.ensure_future(self._receive_all())
        work.add_done_callback(lambda _: self._changed.set())
        try:
            while not work.done():
                await self._changed.wait()
                self._changed.clear()
                if not work.done():
                    yield self._response()
            while len(self._progress.errors) > _ERRORS_TOLD:
                yield self._response()
            response = self._response()
            error = work.exception()
            if error is None:
                yield response
                return
            wire = to_wire(error)
            response.fatal.CopyFrom(wire.to_message())
            yield response
            await self._incoming.discard()
            raise ReportedError(wire)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._incoming.close()

    def _response(self) -> artifact_pb2.UploadChunksResponse:
        response = self._progress.take_response()
        self._told.set()
        if self._progress.errors:
            self._changed.set()
        return response

    async def _receive_all(self) -> None:
        async with asyncio.TaskGroup() as stores:
            upload = await self._header()
            while (received := await self._incoming.next()) is not None:
                upload = await self._services.sessions.renew_if_due(upload)
                await self._receive(upload, received, stores)
                await self._errors_told()

    async def _errors_told(self) -> None:
        """I9: who sends refused chunks and reads no responses is not listened to for a while."""
        while len(self._progress.errors) > _ERRORS_WAITING:
            self._told.clear()
            await self._told.wait()

    async def _header(self) -> UploadRecord:
        received = await self._incoming.next()
        if received is None or received.message.WhichOneof("part") != "header":
            raise FieldViolationError("header", "the first message has it")
        return await self._services.sessions.require_open(received.message.header.upload_id)

    async def _receive(
        self,
        upload: UploadRecord,
        received: ReceivedChunks,
        stores: asyncio.TaskGroup,
    ) -> None:
        if received.message.WhichOneof("part") != "batch":
            raise FieldViolationError("batch", "every message after the first has it")
        batch = chunk_batch(received.message.batch, received.payload)
        if batch.seq != self._progress.received_through + 1:
            last = self._progress.received_through
            raise FieldViolationError("seq", f"{batch.seq} does not follow {last}")
        size = len(batch.payload)
        await self._services.budget.acquire(size)
        try:
            verified = await self._services.chunk_uploads.verify(batch)
        except BaseException:
            self._services.budget.release(size)
            raise
        self.received_bytes += size
        self._progress.received_through = batch.seq
        self._progress.errors += [chunk_error(batch.seq, bad) for bad in verified.refused]
        stored = stores.create_task(self._store(upload, batch.seq, verified))
        # Not in a `finally` of the task: one that is cancelled before it begins runs none of it.
        stored.add_done_callback(lambda _: self._services.budget.release(size))

    async def _store(self, upload: UploadRecord, seq: int, verified: VerifiedBatch) -> None:
        outcome = await self._services.chunk_uploads.store(upload, verified)
        self._progress.stored_bytes += outcome.stored_bytes
        self._progress.duplicate_bytes += outcome.duplicate_bytes
        self._progress.set_durable(seq)
        self._changed.set()
