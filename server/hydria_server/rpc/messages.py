"""Pure conversions from records to messages. No I/O."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import artifact_pb2, types_pb2
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.records import (
    CollectionRecord,
    ProjectRecord,
    TypeRecord,
    UploadRecord,
    UploadState,
    VersionRecord,
    VersionState,
)
from hydria_server.services.aliases import AliasChange
from hydria_server.services.chunk_lists import ChunkList
from hydria_server.services.commit import Commitment
from hydria_server.services.etags import format_etag
from hydria_server.services.sessions import UploadStatus

UPLOAD_STATES = {
    UploadState.OPEN: types_pb2.UPLOAD_STATE_OPEN,
    UploadState.COMMITTED: types_pb2.UPLOAD_STATE_COMMITTED,
    UploadState.ABORTED: types_pb2.UPLOAD_STATE_ABORTED,
    UploadState.EXPIRED: types_pb2.UPLOAD_STATE_EXPIRED,
}
VERSION_STATES = {
    VersionState.COMMITTED: types_pb2.VERSION_STATE_COMMITTED,
    VersionState.DELETED: types_pb2.VERSION_STATE_DELETED,
}

COLLECTION_KINDS = {
    CollectionKind.SEQUENCE: types_pb2.COLLECTION_KIND_SEQUENCE,
    CollectionKind.PORTFOLIO: types_pb2.COLLECTION_KIND_PORTFOLIO,
}


def timestamp(time_us: int) -> Timestamp:
    """Return microseconds since 1970 as a timestamp."""
    seconds, microseconds = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


def set_time(field: Timestamp, time_us: int) -> None:
    """Set a field of a message to microseconds since 1970: half the work of making one to copy."""
    field.seconds, microseconds = divmod(time_us, 1_000_000)
    field.nanos = microseconds * 1000


def version_name(number: int | None) -> str:
    """Return `vN`; the empty text for None."""
    return "" if number is None else f"v{number}"


def version_message(version: VersionRecord) -> types_pb2.Version:
    """Return a version as clients see it."""
    return types_pb2.Version(
        ref=version.ref,
        entity=version.entity,
        project=version.project,
        collection=version.collection,
        type=version.type,
        version=version_name(version.number),
        digest=version.digest,
        state=VERSION_STATES[version.state],
        aliases=version.aliases,
        tags=version.tags,
        description=version.description,
        metadata_json=version.metadata_json,
        file_count=version.file_count,
        size_bytes=version.size_bytes,
        created_at=timestamp(version.created_at_us),
        updated_at=timestamp(version.updated_at_us),
        etag=format_etag(version.revision),
        source_ref=version.source.ref if version.source else "",
    )


def collection_message(collection: CollectionRecord) -> types_pb2.Collection:
    """Return a collection as clients see it."""
    return types_pb2.Collection(
        entity=collection.entity,
        project=collection.project,
        name=collection.name,
        type=collection.type,
        description=collection.description,
        tags=collection.tags,
        version_count=collection.version_count,
        latest_version=version_name(collection.latest_version),
        created_at=timestamp(collection.created_at_us),
        updated_at=timestamp(collection.updated_at_us),
        etag=format_etag(collection.revision),
        aliases=collection.aliases,
        kind=COLLECTION_KINDS[collection.kind],
        protected_aliases=collection.protected_aliases,
    )


def project_message(project: ProjectRecord) -> types_pb2.Project:
    """Return a project as clients see it."""
    return types_pb2.Project(
        entity=project.entity,
        name=project.name,
        collection_count=project.collection_count,
        created_at=timestamp(project.created_at_us),
    )


def type_message(type_: TypeRecord) -> types_pb2.ArtifactType:
    """Return a type as clients see it."""
    return types_pb2.ArtifactType(
        name=type_.name,
        collection_count=type_.collection_count,
        created_at=timestamp(type_.created_at_us),
    )


def upload_message(upload: UploadRecord) -> types_pb2.Upload:
    """Return an upload that just began, or was found again."""
    return types_pb2.Upload(
        upload_id=upload.upload_id,
        entity=upload.entity,
        project=upload.project,
        collection=upload.collection,
        type=upload.type,
        state=UPLOAD_STATES[upload.state],
        created_at=timestamp(upload.created_at_us),
        expires_at=timestamp(upload.expires_at_us),
    )


def upload_status_message(status: UploadStatus) -> types_pb2.Upload:
    """Return an upload with all that is known of it."""
    message = upload_message(status.upload)
    message.base_version = status.base.ref if status.base else ""
    message.version_ref = status.version.ref if status.version else ""
    for writer in status.writers:
        message.writers.add(
            writer_id=writer.writer_id,
            staged_through_seq=writer.staged_through_seq,
            operation_count=writer.operation_count,
            finished=writer.finished,
        )
    return message


def file_message(entry: FileEntry) -> types_pb2.File:
    """Return a file as clients see it."""
    if entry.is_reference:
        return types_pb2.File(
            path=entry.path,
            size_bytes=entry.size_bytes,
            kind=types_pb2.FILE_KIND_REFERENCE,
            ref_uri=entry.ref_uri,
            ref_checksum=entry.ref_checksum,
        )
    return types_pb2.File(
        path=entry.path,
        size_bytes=entry.size_bytes,
        content_digest=entry.content_digest,
        kind=types_pb2.FILE_KIND_STORED,
    )


def file_chunks_message(part: ChunkList) -> artifact_pb2.FileChunks:
    """Return a chunk list, or a part of one, by columns."""
    return artifact_pb2.FileChunks(
        path_index=part.path_index,
        digests=b"".join([chunk.digest for chunk in part.chunks]),
        sizes=[chunk.size_bytes for chunk in part.chunks],
    )


def commit_message(commitment: Commitment) -> artifact_pb2.CommitUploadResponse:
    """Return what a commit answers."""
    return artifact_pb2.CommitUploadResponse(
        version=version_message(commitment.version),
        created=commitment.created,
        ignored_fields=commitment.ignored_fields,
    )


def alias_change_message(change: AliasChange) -> artifact_pb2.AliasChange:
    """Return what became of an alias."""
    return artifact_pb2.AliasChange(
        alias=change.alias,
        version=version_name(change.version),
        previous_version=version_name(change.previous),
    )
