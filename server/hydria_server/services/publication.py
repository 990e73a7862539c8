"""The commit transaction: version, aliases, events and the session's end, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydria_server.domain.errors import (
    FieldViolationError,
    TypeMismatchError,
    UploadNotFoundError,
    WritersUnfinishedError,
)
from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.records import (
    LATEST,
    CollectionRecord,
    CommitResult,
    NewVersion,
    UploadRecord,
    UploadState,
    VersionRecord,
)
from hydria_server.services.changed_words import changed_names
from hydria_server.services.history import NOTHING, History
from hydria_server.services.manifest_builder import BuiltManifest
from hydria_server.services.sessions import require_open
from hydria_server.storage.metadata.interface import Rows

EMPTY_METADATA = "{}"
_WRITERS_SHOWN = 8


class MoreWasStagedError(Exception):
    """Batches were staged and acknowledged after the manifest was built; build it again."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said about a version, checked."""

    description: str
    metadata_json: str
    tags: Sequence[str]
    aliases: Sequence[str]  # without `latest`, which is implied


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything that one commit will write. `publish` runs inside a write transaction."""

    upload_id: str
    manifest: BuiltManifest
    run_count: int  # the staged runs that the manifest was built of
    words: Words
    actor: str
    now_us: int
    request_hash: bytes
    finished_writers: frozenset[str] = frozenset()
    source: VersionRecord | None = None  # of a copy
    history: History = field(default_factory=History)

    async def publish(self, rows: Rows) -> CommitResult:
        """Make the version, or find the equal one; move aliases; end the upload.

        I5: tests the session's state, never a clock. I2: every chunk was pinned for the session
        before, and stays so until this transaction ends it.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: the session ended.
            FieldViolationError: the collection is new and no type was given.
            TypeMismatchError: it has another type.
            WritersUnfinishedError: one of the writers that are named has not finished.
            MoreWasStagedError: the manifest is out of date.
        """
        upload = await rows.uploads.get(self.upload_id)
        if upload is None:
            raise UploadNotFoundError("the upload is gone")
        require_open(upload)
        if len(await rows.staging.runs(self.upload_id)) != self.run_count:
            raise MoreWasStagedError
        await require_finished(rows, self.upload_id, self.finished_writers)
        collection = await self._collection(rows, upload)
        equal = await rows.versions.by_digest(collection.id, self.manifest.digest)
        if equal is None:
            version = await self._insert(rows, collection)
            result = CommitResult(version.id, True, ())
        else:
            version = equal
            ignored = await reuse(
                rows, self.history, equal, self.words, now_us=self.now_us, origin=self._origin()
            )
            result = CommitResult(equal.id, False, ignored)
        for alias in (*self.words.aliases, LATEST):
            await self.history.point_alias(rows, version, alias, now_us=self.now_us)
        await rows.uploads.end(
            self.upload_id,
            UploadState.COMMITTED,
            commit_hash=self.request_hash,
            commit_result=result,
        )
        await rows.staging.clear(self.upload_id)
        await self.history.record(rows, upload.entity_id, actor=self.actor, now_us=self.now_us)
        return result

    async def _collection(self, rows: Rows, upload: UploadRecord) -> CollectionRecord:
        """Return the collection, made if need be. A name given up by a rename is free again."""
        found = await rows.names.collection(
            upload.entity, upload.project, upload.collection, follow=False
        )
        if found is None:
            return await self._create_collection(rows, upload)
        if upload.type and upload.type != found.type:
            raise TypeMismatchError(
                f"{upload.collection!r} has type {found.type!r}, not {upload.type!r}",
                details={"actual": found.type},
            )
        return found

    async def _create_collection(self, rows: Rows, upload: UploadRecord) -> CollectionRecord:
        type_ = upload.type or (self.source.type if self.source else "")
        if not type_:
            raise FieldViolationError("type", f"{upload.collection!r} is new and needs a type")
        project = await rows.names.project(upload.entity, upload.project)
        if project is not None:
            project_id = project.id
        else:
            project_id = await rows.names.create_project(
                upload.entity_id, upload.project, now_us=self.now_us
            )
            self.history.add(
                EventType.PROJECT_CREATED, project_id=project_id, project=upload.project
            )
        collection_id = await rows.names.create_collection(
            project_id, upload.collection, type_, now_us=self.now_us
        )
        collection = await rows.names.collection_by_id(collection_id)
        self.history.add_collection(EventType.COLLECTION_CREATED, collection, {"type": type_})
        return collection

    async def _insert(self, rows: Rows, collection: CollectionRecord) -> VersionRecord:
        new = NewVersion(
            collection_id=collection.id,
            number=await rows.names.take_version_number(collection.id),
            digest=self.manifest.digest,
            file_count=self.manifest.file_count,
            size_bytes=self.manifest.size_bytes,
            description=self.words.description,
            metadata_json=self.words.metadata_json,
            tags=tuple(self.words.tags),
            upload_id=self.upload_id,
            created_at_us=self.now_us,
        )
        version = await rows.versions.insert(new, self.manifest.shards)
        self.history.add_version(EventType.VERSION_COMMITTED, version, self._origin())
        return version

    def _origin(self) -> dict[str, Json]:
        """Return what an event says of the source of a copy."""
        return {"source": self.source.ref, "source_id": self.source.id} if self.source else {}


async def reuse(
    rows: Rows,
    history: History,
    version: VersionRecord,
    words: Words,
    *,
    now_us: int,
    origin: Mapping[str, Json] = NOTHING,
) -> tuple[str, ...]:
    """Take a version for the one that was to be made; return the words that are left aside."""
    tags = changed_names("tags", version.tags, (*version.tags, *words.tags))
    history.add_version(EventType.VERSION_REUSED, version, {**origin, **tags})
    if await rows.versions.add_tags(version.id, words.tags, now_us=now_us):
        for link_id in await rows.links.ids_of_version(version.id):
            link = await rows.versions.by_id(link_id)
            history.add_version(EventType.VERSION_UPDATED, link, {"fields": ["tags"], **tags})
    ignored = []
    if words.description and words.description != version.description:
        ignored.append("description")
    if words.metadata_json not in (EMPTY_METADATA, version.metadata_json):
        ignored.append("metadata_json")
    return tuple(ignored)


async def require_finished(rows: Rows, upload_id: str, writers: frozenset[str]) -> None:
    """Return when all of these writers have finished.

    Raises:
        WritersUnfinishedError: some have not.
    """
    if not writers:
        return
    progress = await rows.staging.writers(upload_id)
    unfinished = sorted(writers - {writer.writer_id for writer in progress if writer.finished})
    if unfinished:
        named = ", ".join(repr(writer) for writer in unfinished[:_WRITERS_SHOWN])
        raise WritersUnfinishedError(
            f"{len(unfinished)} writers have not finished: {named}",
            details={"writers": ",".join(unfinished[:_WRITERS_SHOWN])},
        )
