"""Messages of the contract to values of the library, and back. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from hydria import records
from hydria.digests import format_digest
from hydria.errors import InvalidArgumentError
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def metadata_text(metadata: Mapping[str, object] | str | None) -> str:
    """Return metadata as the JSON text that is sent; a text is sent as it is.

    Raises:
        InvalidArgumentError: something in it has no form in JSON.
    """
    if metadata is None or isinstance(metadata, str):
        return metadata or ""
    try:
        return json.dumps(metadata, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the metadata cannot be written as JSON: {error}") from error


def version_of(message: types.Version) -> records.Version:
    """Return the version that a message describes."""
    deleted = message.state == types.VERSION_STATE_DELETED
    return records.Version(
        ref=message.ref,
        entity=message.entity,
        project=message.project,
        collection=message.collection,
        type=message.type,
        version=message.version,
        digest=format_digest(message.digest),
        state=records.VersionState.DELETED if deleted else records.VersionState.COMMITTED,
        aliases=tuple(message.aliases),
        tags=tuple(message.tags),
        description=message.description,
        metadata_json=message.metadata_json or "{}",
        file_count=message.file_count,
        size_bytes=message.size_bytes,
        created_at=time_of(message.created_at),
        updated_at=time_of(message.updated_at),
        etag=message.etag,
        source_ref=message.source_ref,
    )


def collection_of(message: types.Collection) -> records.Collection:
    """Return the collection that a message describes."""
    return records.Collection(
        entity=message.entity,
        project=message.project,
        name=message.name,
        type=message.type,
        description=message.description,
        tags=tuple(message.tags),
        aliases=tuple(message.aliases),
        version_count=message.version_count,
        latest_version=message.latest_version,
        protected_aliases=tuple(message.protected_aliases),
        created_at=time_of(message.created_at),
        updated_at=time_of(message.updated_at),
        etag=message.etag,
        is_registered_model=message.kind == types.COLLECTION_KIND_PORTFOLIO,
    )


def project_of(message: types.Project) -> records.Project:
    """Return the project that a message describes."""
    return records.Project(
        entity=message.entity,
        name=message.name,
        collection_count=message.collection_count,
        created_at=time_of(message.created_at),
    )


def artifact_type_of(message: types.ArtifactType) -> records.ArtifactType:
    """Return the type that a message describes."""
    return records.ArtifactType(
        name=message.name,
        collection_count=message.collection_count,
        created_at=time_of(message.created_at),
    )


def file_of(message: types.File) -> records.File:
    """Return the file that a message describes."""
    return records.File(
        path=message.path,
        size_bytes=message.size_bytes,
        digest=format_digest(message.content_digest),
        ref_uri=message.ref_uri,
        ref_checksum=message.ref_checksum,
    )


def alias_change_of(message: pb.AliasChange) -> records.AliasChange:
    """Return the change that a message describes."""
    return records.AliasChange(
        alias=message.alias,
        version=message.version,
        previous_version=message.previous_version,
    )


def alias_operation_message(operation: records.AliasOperation) -> pb.AliasOperation:
    """Return the message for one operation on an alias."""
    message = pb.AliasOperation(alias=operation.alias, expected_version=operation.expected_version)
    if operation.version is None:
        message.remove = True
    else:
        message.set_version = operation.version
    return message


def server_info_of(message: pb.GetServerInfoResponse) -> records.ServerInfo:
    """Return what a server says of itself."""
    limits, chunker = message.limits, message.chunker
    return records.ServerInfo(
        server_version=message.server_version,
        store_id=message.store_id,
        digest_function=types.DigestFunction.Name(message.digest_function),
        limits=records.ServerLimits(
            max_chunk_bytes=limits.max_chunk_bytes,
            max_batch_bytes=limits.max_batch_bytes,
            max_message_bytes=limits.max_message_bytes,
            max_unacked_bytes=limits.max_unacked_bytes,
            max_digests_per_request=limits.max_digests_per_request,
            max_operations_per_stage=limits.max_operations_per_stage,
            max_put_version_bytes=limits.max_put_version_bytes,
            max_path_bytes=limits.max_path_bytes,
            max_metadata_bytes=limits.max_metadata_bytes,
            max_reads_per_download=limits.max_reads_per_download,
            max_chunks_per_entry=limits.max_chunks_per_entry,
            upload_lease_seconds=limits.upload_lease_seconds,
        ),
        chunker=records.ChunkerParameters(
            min_bytes=chunker.min_bytes,
            average_bytes=chunker.average_bytes,
            max_bytes=chunker.max_bytes,
            normalization=chunker.normalization,
            seed=chunker.seed,
        ),
        features=tuple(message.features),
    )


def given_time(moment: datetime | None) -> Timestamp | None:
    """Return the message for a moment; None stays None.

    Raises:
        InvalidArgumentError: the moment does not say of which time zone it is.
    """
    if moment is None:
        return None
    if moment.utcoffset() is None:
        raise InvalidArgumentError(f"{moment} is in no time zone; give it one, e.g. datetime.UTC")
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def time_of(message: Timestamp) -> datetime:
    """Return the moment, aware and in UTC, to the microsecond."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)
