"""One upload at the server: its calls, each tried again while the server is unavailable."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress

from hydria.connection import LONG_CALL_SECONDS, Connection
from hydria.errors import HydriaError
from hydria.records import ServerLimits, Words
from hydria.refs import CollectionName
from hydria.retry import Patience
from hydria.upload.pieces import Piece
from hydria.v1 import artifact_pb2 as pb

_ABORT_SECONDS = 5.0


class UploadSession:
    """An open upload. Every call on it renews its lease."""

    def __init__(
        self, connection: Connection, upload_id: str, *, limits: ServerLimits, patience: Patience
    ) -> None:
        self.connection = connection
        self.upload_id = upload_id
        self.limits = limits
        self.patience = patience
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
            request_id=uuid.uuid4().hex,
        )
        stub = connection.stub
        response = await patience.run(lambda: connection.call(stub.CreateUpload, request))
        return cls(connection, response.upload.upload_id, limits=limits, patience=patience)

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
            HydriaError: as `find_missing`, or the server found a file to be wrong.
        """
        self._staged_seq += 1
        request.upload_id, request.seq = self.upload_id, self._staged_seq
        connection, method = self.connection, self.connection.stub.StageFiles
        return await self.patience.run(
            lambda: connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)
        )

    async def commit(self, words: Words) -> pb.CommitUploadResponse:
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

    async def abort(self) -> None:
        """Give the upload up, if the server can be told; it ends by itself otherwise."""
        request = pb.AbortUploadRequest(upload_id=self.upload_id)
        with suppress(HydriaError):
            await self.connection.call(
                self.connection.stub.AbortUpload, request, timeout_seconds=_ABORT_SECONDS
            )
