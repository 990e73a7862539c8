"""PutVersion: a small version in one call, by the same steps as a large one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hydria_server.domain.chunks import Chunk
from hydria_server.domain.documents import require_json_object
from hydria_server.domain.errors import (
    BatchTooLargeError,
    HydriaError,
    ResourceExhaustedError,
    UnavailableError,
    UploadNotOpenError,
)
from hydria_server.domain.names import require_aliases, require_tags
from hydria_server.domain.paths import require_path
from hydria_server.domain.records import UploadRecord, UploadState
from hydria_server.domain.roles import Role
from hydria_server.services.budget import ByteBudget
from hydria_server.services.commit import Commitment, CommitRequest, Commits
from hydria_server.services.file_drafts import FileDraft
from hydria_server.services.hashing import Hashing, digest_of
from hydria_server.services.ingest import ChunkIngest
from hydria_server.services.sessions import NewUpload, UploadSessions
from hydria_server.services.staging import StageBatch, Staging

MAX_PUT_VERSION_BYTES = 1024 * 1024
_PASSING = (UnavailableError, ResourceExhaustedError)


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A file with its content."""

    path: str
    content: bytes


class SmallVersions:
    """Makes small versions."""

    def __init__(
        self,
        sessions: UploadSessions,
        ingest: ChunkIngest,
        staging: Staging,
        commits: Commits,
        hashing: Hashing,
        budget: ByteBudget,
    ) -> None:
        self._sessions = sessions
        self._ingest = ingest
        self._staging = staging
        self._commits = commits
        self._hashing = hashing
        self._budget = budget

    async def put(
        self,
        new: NewUpload,
        files: Sequence[InlineFile],
        request: CommitRequest,
        *,
        actor: str,
        role: Role,
    ) -> Commitment:
        """Store, stage and commit the files; the same request id gets the same answer.

        Raises:
            BatchTooLargeError: there is more than 1 MiB of content.
            As UploadSessions.create, Staging.stage and Commits.commit.
        """
        _check(files, request)
        async with self._budget.hold(sum(len(file.content) for file in files)):
            upload = await self._sessions.create(replace(new, payload_hash=_hash(files, request)))
            try:
                if upload.state is not UploadState.COMMITTED:
                    await self._stage_unless_committed(upload, files)
                return await self._commits.commit(upload.upload_id, request, actor=actor, role=role)
            except HydriaError as error:
                # What lacked only a moment or some room may be tried again, as the same request.
                if not (new.request_id and isinstance(error, _PASSING)):
                    await self._give_up(upload)
                raise

    async def _give_up(self, upload: UploadRecord) -> None:
        """End the upload; nothing came of it, so the request id stands for nothing."""
        with suppress(UploadNotOpenError):
            await self._sessions.abort(upload.upload_id, forget_request=True)

    async def _stage_unless_committed(
        self, upload: UploadRecord, files: Sequence[InlineFile]
    ) -> None:
        try:
            await self._stage(upload, files)
        except UploadNotOpenError:
            # A twin of this call, a retry of its client, was faster: the commit has its answer.
            if (await self._sessions.get(upload.upload_id)).state is not UploadState.COMMITTED:
                raise

    async def _stage(self, upload: UploadRecord, files: Sequence[InlineFile]) -> None:
        digests = await self._hashing.digests([file.content for file in files])
        chunks = [
            Chunk(digest, file.content)
            for digest, file in zip(digests, files, strict=True)
            if file.content
        ]
        await self._ingest.store(upload, chunks)
        puts = [
            FileDraft(file.path, len(file.content), digest)
            for digest, file in zip(digests, files, strict=True)
        ]
        await self._staging.stage(upload.upload_id, StageBatch("", 1, puts))


def _hash(files: Sequence[InlineFile], request: CommitRequest) -> bytes:
    words = (request.description, request.metadata_json, *request.tags, "", *request.aliases)
    content = (digest_of(file.path.encode()) + digest_of(file.content) for file in files)
    return digest_of(b"".join((*(digest_of(word.encode()) for word in words), *content)))


def _check(files: Sequence[InlineFile], request: CommitRequest) -> None:
    """Refuse what can be refused before anything is written."""
    size = sum(len(file.content) for file in files)
    if size > MAX_PUT_VERSION_BYTES:
        raise BatchTooLargeError(
            f"{size} bytes are more than {MAX_PUT_VERSION_BYTES}; use CreateUpload",
            details={"limit": str(MAX_PUT_VERSION_BYTES)},
        )
    for file in files:
        require_path(file.path, field="path")
    require_json_object(request.metadata_json, field="metadata_json")
    require_tags(request.tags, field="tags")
    require_aliases(request.aliases, field="aliases")
