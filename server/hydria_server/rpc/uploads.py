"""The unary calls on uploads."""

from __future__ import annotations

from dataclasses import replace

from hydria.v1 import artifact_pb2
from hydria_server.domain.refs import CollectionName
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.chunk_errors import chunk_error
from hydria_server.rpc.family import ArtifactRpcs
from hydria_server.services.commit import CommitRequest
from hydria_server.services.copies import CopyRequest
from hydria_server.services.reuse import KnownContent
from hydria_server.services.sessions import NewUpload
from hydria_server.services.small_versions import InlineFile


class UploadRpcs(ArtifactRpcs):
    """Create, look up, renew and abort; find and put chunks; stage and commit."""

    async def CreateUpload(
        self, request: artifact_pb2.CreateUploadRequest, context: Context
    ) -> artifact_pb2.CreateUploadResponse:
        upload = await self.services.sessions.create(
            NewUpload(
                CollectionName(request.entity, request.project, request.collection),
                request.type,
                request.base_version,
                request.request_id,
            )
        )
        note("upload_id", upload.upload_id)
        status = await self.services.sessions.status(upload.upload_id)
        return artifact_pb2.CreateUploadResponse(upload=messages.upload_status_message(status))

    async def GetUpload(
        self, request: artifact_pb2.GetUploadRequest, context: Context
    ) -> artifact_pb2.GetUploadResponse:
        note("upload_id", request.upload_id[:80])
        status = await self.services.sessions.status(request.upload_id)
        return artifact_pb2.GetUploadResponse(upload=messages.upload_status_message(status))

    async def RenewUpload(
        self, request: artifact_pb2.RenewUploadRequest, context: Context
    ) -> artifact_pb2.RenewUploadResponse:
        note("upload_id", request.upload_id[:80])
        upload = await self.services.sessions.renew(request.upload_id)
        return artifact_pb2.RenewUploadResponse(expires_at=messages.timestamp(upload.expires_at_us))

    async def AbortUpload(
        self, request: artifact_pb2.AbortUploadRequest, context: Context
    ) -> artifact_pb2.AbortUploadResponse:
        note("upload_id", request.upload_id[:80])
        await self.services.sessions.abort(request.upload_id)
        return artifact_pb2.AbortUploadResponse()

    async def FindMissingChunks(
        self, request: artifact_pb2.FindMissingChunksRequest, context: Context
    ) -> artifact_pb2.FindMissingChunksResponse:
        requests.require_few_digests(request.digests)
        refs = requests.chunk_refs(request.digests, request.sizes, field="digests")
        upload = await self.services.sessions.require_open(request.upload_id)
        missing = await self.services.presence.missing_indexes(upload, refs)
        note("upload_id", upload.upload_id)
        note("asked", len(refs))
        note("missing", len(missing))
        return artifact_pb2.FindMissingChunksResponse(missing_indexes=missing)

    async def PutChunks(
        self, request: artifact_pb2.PutChunksRequest, context: Context
    ) -> artifact_pb2.PutChunksResponse:
        upload = await self.services.sessions.require_open(request.upload_id)
        batch = requests.chunk_batch(request.batch, request.batch.payload)
        note("upload_id", upload.upload_id)
        note("bytes_in", len(batch.payload))
        async with self.services.budget.hold(len(batch.payload)):
            verified = await self.services.chunk_uploads.verify(batch)
            outcome = await self.services.chunk_uploads.store(upload, verified)
        return artifact_pb2.PutChunksResponse(
            errors=[chunk_error(batch.seq, refused) for refused in verified.refused],
            stored_bytes=outcome.stored_bytes,
            duplicate_bytes=outcome.duplicate_bytes,
        )

    async def StageFiles(
        self, request: artifact_pb2.StageFilesRequest, context: Context
    ) -> artifact_pb2.StageFilesResponse:
        note("upload_id", request.upload_id[:80])
        note("operations", len(request.operations))
        batch = requests.stage_batch(request)
        outcome = await self.services.staging.stage(request.upload_id, batch)
        return artifact_pb2.StageFilesResponse(
            staged_through_seq=outcome.staged_through_seq,
            missing_digests=b"".join(outcome.missing[:_MISSING_MAX]),
            was_staged_before=outcome.was_staged_before,
        )

    async def CommitUpload(
        self, request: artifact_pb2.CommitUploadRequest, context: Context
    ) -> artifact_pb2.CommitUploadResponse:
        note("upload_id", request.upload_id[:80])
        commitment = await self.services.commits.commit(
            request.upload_id,
            replace(_commit_request(request), finished_writers=tuple(request.finished_writers)),
            actor=self.actor(context),
            role=self.role(context),
        )
        note("version", commitment.version.ref)
        return messages.commit_message(commitment)

    async def PutVersion(
        self, request: artifact_pb2.PutVersionRequest, context: Context
    ) -> artifact_pb2.PutVersionResponse:
        name = CollectionName(request.entity, request.project, request.collection)
        new = NewUpload(name, request.type, "", request.request_id)
        files = [InlineFile(file.path, file.content) for file in request.files]
        commitment = await self.services.small_versions.put(
            new,
            files,
            _commit_request(request),
            actor=self.actor(context),
            role=self.role(context),
        )
        note("version", commitment.version.ref)
        committed = messages.commit_message(commitment)
        return artifact_pb2.PutVersionResponse(
            version=committed.version,
            created=committed.created,
            ignored_fields=committed.ignored_fields,
        )

    async def ReuseVersion(
        self, request: artifact_pb2.ReuseVersionRequest, context: Context
    ) -> artifact_pb2.ReuseVersionResponse:
        name = CollectionName(request.entity, request.project, request.collection)
        commitment = await self.services.reuse.reuse(
            KnownContent(name, request.type, request.digest),
            _commit_request(request),
            actor=self.actor(context),
            role=self.role(context),
        )
        note("version", commitment.version.ref)
        return artifact_pb2.ReuseVersionResponse(
            version=messages.version_message(commitment.version),
            ignored_fields=commitment.ignored_fields,
        )

    async def CopyVersion(
        self, request: artifact_pb2.CopyVersionRequest, context: Context
    ) -> artifact_pb2.CopyVersionResponse:
        copy = CopyRequest(
            source_ref=request.source_ref,
            name=CollectionName(request.entity, request.project, request.collection),
            type=request.type,
            aliases=tuple(request.aliases),
            tags=tuple(request.tags),
            description=request.description if request.HasField("description") else None,
            metadata_json=request.metadata_json if request.HasField("metadata_json") else None,
            request_id=request.request_id,
        )
        commitment = await self.services.copies.copy(
            copy, actor=self.actor(context), role=self.role(context)
        )
        note("version", commitment.version.ref)
        committed = messages.commit_message(commitment)
        return artifact_pb2.CopyVersionResponse(
            version=committed.version,
            created=committed.created,
            ignored_fields=committed.ignored_fields,
        )


_MISSING_MAX = 10_000


def _commit_request(
    request: artifact_pb2.CommitUploadRequest
    | artifact_pb2.PutVersionRequest
    | artifact_pb2.ReuseVersionRequest,
) -> CommitRequest:
    return CommitRequest(
        request.description,
        request.metadata_json,
        tuple(request.tags),
        tuple(request.aliases),
        run_ref=request.run_ref,
    )
