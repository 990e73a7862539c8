"""One upload at the server: its calls, each tried again while the server is unavailable."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress

from hydria.connection import LONG_CALL_SECONDS, Connection
from hydria.errors import (
    HydriaError,
    UploadExpiredError,
    UploadNotOpenError,
    WriterConflictError,
)
from hydria.records import ServerLimits, Words
from hydria.refs import CollectionName
from hydria.retry import Patience
from hydria.upload.pieces import Piece
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

_ABORT_SECONDS = 5.0


class UploadSession:
    """An open upload. Every call on it renews its lease."""

    def __init__(
        self,
        connection: Connection,
        upload_id: str,
        *,
        limits: ServerLimits,
        patience: Patience,
        writer_id: str = "",
    ) -> None:
        self.connection = connection
        self.upload_id = upload_id
        self.limits = limits
        self.patience = patience
        self.writer_id = writer_id
        self._staged_seq = 0

    @classmethod
    async def create(
        cls,
        connection: Connection,
        name: CollectionName,
        *,
        type: str,
        base_version: str,
        limits: ServerLimits,
        patience: Patience,
        request_id: str = "",
    ) -> UploadSession:
        """Begin an upload; the request id makes sure that trying again begins only one.

        Raises:
            HydriaError: the server refuses it, or stays unavailable.
        """
        request = pb.CreateUploadRequest(
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            type=type,
            base_version=base_version,
            request_id=request_id or uuid.uuid4().hex,
        )
        stub = connection.stub
        response = await patience.run(lambda: connection.call(stub.CreateUpload, request))
        return cls(connection, response.upload.upload_id, limits=limits, patience=patience)

    async def look(self) -> types.Upload:
        """Return where the upload stands. Raises as `renew`."""
        request = pb.GetUploadRequest(upload_id=self.upload_id)
        connection, method = self.connection, self.connection.stub.GetUpload
        response = await self.patience.run(lambda: connection.call(method, request))
        return response.upload

    async def resume(self) -> None:
        """Go on after the last batch that this writer has staged, in another process perhaps.

        Raises:
            UploadExpiredError, UploadNotOpenError: the upload is over.
            HydriaError: there is no such upload, or the server stays unavailable.
        """
        upload = await self.look()
        if upload.state == types.UPLOAD_STATE_EXPIRED:
            raise UploadExpiredError("the upload's lease ran out; begin another one")
        if upload.state != types.UPLOAD_STATE_OPEN:
            raise UploadNotOpenError("the upload was committed or aborted; begin another one")
        for writer in upload.writers:
            if writer.writer_id == self.writer_id:
                self._staged_seq = writer.staged_through_seq

    async def find_missing(
        self, pieces: Sequence[Piece], *, is_progress: bool = True
    ) -> list[Piece]:
        """Return those of `pieces` that the server lacks; the others stay until the upload ends.

        An answer gives new patience only if it `is_progress`.

        Raises:
            HydriaError: the upload is over, or the server stays unavailable.
        """
        missing: list[Piece] = []
        step = self.limits.max_digests_per_request
        for start in range(0, len(pieces), step):
            part = pieces[start : start + step]
            request = pb.FindMissingChunksRequest(
                upload_id=self.upload_id,
                digests=b"".join([piece.digest for piece in part]),
                sizes=[piece.size_bytes for piece in part],
            )
            response = await self._find(request, is_progress=is_progress)
            missing.extend(part[index] for index in response.missing_indexes)
        return missing

    async def _find(
        self, request: pb.FindMissingChunksRequest, *, is_progress: bool
    ) -> pb.FindMissingChunksResponse:
        connection, method = self.connection, self.connection.stub.FindMissingChunks
        return await self.patience.run(
            lambda: connection.call(method, request), is_progress=is_progress
        )

    async def stage(self, request: pb.StageFilesRequest) -> pb.StageFilesResponse:
        """Stage a batch of operations after those staged before, and say what is missing.

        The upload and the place of the batch are filled in.

        Raises:
            WriterConflictError: another process stages under the same writer id.
            HydriaError: as `find_missing`, or the server found a file to be wrong.
        """
        request.upload_id, request.writer_id = self.upload_id, self.writer_id
        request.seq = self._staged_seq + 1
        connection, method = self.connection, self.connection.stub.StageFiles
        tries = 0

        async def send() -> pb.StageFilesResponse:
            nonlocal tries
            tries += 1
            return await connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)

        response = await self.patience.run(send)
        # What was tried again may have arrived the first time.
        if response.was_staged_before and tries == 1:
            raise WriterConflictError(
                f"another process stages as the writer {self.writer_id!r}: each needs its own id"
            )
        self._staged_seq += 1
        return response

    async def stage_end(self) -> None:
        """Say that this writer has finished. Raises as `stage`."""
        await self.stage(pb.StageFilesRequest())

    async def commit(
        self, words: Words, *, finished_writers: Sequence[str] = ()
    ) -> pb.CommitUploadResponse:
        """Make the version, or find the one with the same content.

        Raises:
            HydriaError: as `find_missing`, or the server refuses the version.
        """
        request = pb.CommitUploadRequest(
            upload_id=self.upload_id,
            description=words.description,
            metadata_json=words.metadata_json,
            tags=words.tags,
            aliases=words.aliases,
            finished_writers=finished_writers,
            run_ref=words.run_ref,
        )
        connection, method = self.connection, self.connection.stub.CommitUpload
        return await self.patience.run(
            lambda: connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)
        )

    async def renew(self) -> None:
        """Renew the lease. Raises as `find_missing`."""
        request = pb.RenewUploadRequest(upload_id=self.upload_id)
        connection, method = self.connection, self.connection.stub.RenewUpload
        await self.patience.run(lambda: connection.call(method, request))

    async def give_up(self) -> None:
        """End the upload without a version. Raises as `renew`."""
        request = pb.AbortUploadRequest(upload_id=self.upload_id)
        connection, method = self.connection, self.connection.stub.AbortUpload
        await self.patience.run(lambda: connection.call(method, request))

    async def abort(self) -> None:
        """Give the upload up, if the server can be told; it ends by itself otherwise."""
        request = pb.AbortUploadRequest(upload_id=self.upload_id)
        with suppress(HydriaError):
            await self.connection.call(
                self.connection.stub.AbortUpload, request, timeout_seconds=_ABORT_SECONDS
            )
