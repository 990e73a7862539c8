"""Commit: from an open upload to a visible version, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.digest import format_digest
from hydria_server.domain.documents import require_description, require_json_object
from hydria_server.domain.errors import (
    ChunksMissingError,
    FieldViolationError,
    UploadNotFoundError,
    UploadNotOpenError,
)
from hydria_server.domain.manifest import RUN_MAGIC, decode_entries, decode_entry
from hydria_server.domain.names import require_aliases, require_tags
from hydria_server.domain.records import (
    StagedRun,
    UploadRecord,
    UploadState,
    VersionRecord,
)
from hydria_server.domain.roles import Role
from hydria_server.domain.runs import parse_run_ref
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.manifest_builder import BuiltManifest, ManifestBuilder
from hydria_server.services.publication import (
    MoreWasStagedError,
    Publication,
    Words,
    require_finished,
)
from hydria_server.services.resolution import Resolution
from hydria_server.services.sessions import Clock, UploadSessions, require_open
from hydria_server.storage.metadata.interface import MetadataStore, Rows

MAX_FINISHED_WRITERS = 10_000
_MISSING_SHOWN = 8


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What CommitUpload asks for, beside the upload."""

    description: str = ""
    metadata_json: str = ""
    tags: Sequence[str] = ()
    aliases: Sequence[str] = ()
    finished_writers: Sequence[str] = ()  # must have finished
    run_ref: str = ""  # the run that logs the version


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a commit answers."""

    version: VersionRecord
    created: bool
    ignored_fields: Sequence[str]


class Commits:
    """Makes versions, or finds the ones that are equal."""

    def __init__(
        self,
        sessions: UploadSessions,
        reader: ChunkReader,
        resolution: Resolution,
        manifests: ManifestBuilder,
        metadata: MetadataStore,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._reader = reader
        self._resolution = resolution
        self._manifests = manifests
        self._metadata = metadata
        self._clock = clock

    async def commit(
        self, upload_id: str, request: CommitRequest, *, actor: str, role: Role
    ) -> Commitment:
        """Commit an upload; the same request again gets the same answer.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: it cannot be committed.
            ChunksMissingError: staged files name chunks that are not there.
            DuplicatePathError, PathConflictError, DigestMismatchError: what was staged is not a
                version.
            TypeMismatchError: the collection has another type.
            FieldViolationError, NameInvalidError, NameReservedError: the request is malformed.
            WritersUnfinishedError: one of the writers that are named has not finished.
            AliasProtectedError: an alias is protected, and the role is not ADMIN.
            StorageFullError: there is no room. After any error the upload is still open.
        """
        words = checked_words(request)
        if len(request.finished_writers) > MAX_FINISHED_WRITERS:
            raise FieldViolationError(
                "finished_writers", f"there are more than {MAX_FINISHED_WRITERS}"
            )
        writers = frozenset(request.finished_writers)
        while True:
            try:
                return await self._attempt(upload_id, words, writers, actor, role)
            except MoreWasStagedError:
                continue  # what was acknowledged meanwhile belongs into the version

    async def _attempt(
        self, upload_id: str, words: Words, writers: frozenset[str], actor: str, role: Role
    ) -> Commitment:
        request_hash = hash_of(words)
        upload = await self._sessions.get(upload_id)
        runs: list[StagedRun] = []
        manifest = BuiltManifest(b"", 0, 0, ())  # for a committed one: only its answer is read
        if upload.state is not UploadState.COMMITTED:
            # One look decides: a twin may commit right after it, and then its answer is ours.
            upload = await self._sessions.renew_if_due(require_open(upload))
            await self._metadata.read(lambda rows: require_finished(rows, upload_id, writers))
            runs = await self._resolved_runs(upload)
            manifest = await self._manifests.build(upload, runs)

        async def publish(rows: Rows) -> Commitment:
            # The time is taken here, where commits stand in line: a higher number is never older.
            now_us = self._clock()
            publication = Publication(
                upload_id, manifest, len(runs), words, actor, role, now_us, request_hash, writers
            )
            now = await rows.uploads.get(upload_id)
            if now is None:
                raise UploadNotFoundError("the upload is gone")
            return await publish_or_replay(rows, now, publication)

        return await self._metadata.write(publish)

    async def _resolved_runs(self, upload: UploadRecord) -> list[StagedRun]:
        """Return the upload's runs, every chunk of them there and pinned (I2)."""
        runs = await self._metadata.read(lambda rows: rows.staging.runs(upload.upload_id))
        missing: dict[bytes, None] = {}
        settled: list[int] = []
        for run in runs:
            if run.resolved:
                continue
            found = await self._still_missing(upload, run)
            missing.update(dict.fromkeys(found))
            if not found:
                settled.append(run.id)
        if settled:
            await self._metadata.write(lambda rows: rows.staging.mark_resolved(settled))
        if missing:
            raise _chunks_missing(list(missing))
        return runs

    async def _still_missing(self, upload: UploadRecord, run: StagedRun) -> list[bytes]:
        data = await self._reader.read_one(upload.domain, ChunkRef(run.digest, run.size_bytes))
        entries = [decode_entry(raw) for raw in decode_entries(RUN_MAGIC, data)]
        return await self._resolution.missing(upload, entries)


async def publish_or_replay(
    rows: Rows, upload: UploadRecord, publication: Publication
) -> Commitment:
    """Commit an upload as it is now, or return what the same commit came to before.

    Raises:
        UploadNotOpenError: another commit was faster. And as `Publication.publish`.
    """
    if upload.state is UploadState.COMMITTED and upload.commit_result:
        if upload.commit_hash != publication.request_hash:
            raise UploadNotOpenError("the upload was committed with another request")
        result = upload.commit_result
        version = await rows.versions.by_id(result.version_id)
    else:
        result, version = await publication.publish(rows, upload)
    return Commitment(version, result.created, result.ignored_fields)


def _chunks_missing(missing: list[bytes]) -> ChunksMissingError:
    shown = ",".join(format_digest(digest) for digest in missing[:_MISSING_SHOWN])
    return ChunksMissingError(
        f"{len(missing)} chunks are missing; ask FindMissingChunks, send them, commit again",
        details={"count": str(len(missing)), "digests": shown},
    )


def checked_words(request: CommitRequest) -> Words:
    """Return what is said about a version, checked.

    Raises:
        FieldViolationError, NameInvalidError, NameReservedError: a field is malformed.
    """
    return Words(
        description=require_description(request.description, field="description"),
        metadata_json=require_json_object(request.metadata_json, field="metadata_json"),
        tags=require_tags(request.tags, field="tags"),
        aliases=require_aliases(request.aliases, field="aliases"),
        run=parse_run_ref(request.run_ref, field="run_ref") if request.run_ref else None,
    )


def hash_of(words: Words) -> bytes:
    """Return what tells one commit's request from another's."""
    parts = [words.description, words.metadata_json, words.tags, words.aliases]
    if words.run:
        parts.append(str(words.run))
    return hashlib.sha256(json.dumps(parts).encode()).digest()
