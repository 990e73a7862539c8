"""Pure conversions from messages to what the services take. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, Protocol

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import artifact_pb2, types_pb2
from hydria_server.domain.chunks import MAX_DIGESTS_PER_FIND, ChunkRef
from hydria_server.domain.digest import split_digests
from hydria_server.domain.errors import (
    BatchTooLargeError,
    FieldViolationError,
    UnsupportedCompressionError,
)
from hydria_server.domain.names import canonical_project, require_name, require_version_number
from hydria_server.domain.refs import CollectionName
from hydria_server.services.aliases import AliasOperation, AnyVersion
from hydria_server.services.chunk_uploads import ChunkBatch
from hydria_server.services.entry_copies import EntryCopy
from hydria_server.services.file_drafts import FileDraft, ReferenceDraft
from hydria_server.services.listings import ListRequest
from hydria_server.services.staging import StageBatch

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # what a Timestamp may be
_SUPPORTED = (types_pb2.COMPRESSION_UNSPECIFIED, types_pb2.COMPRESSION_IDENTITY)


class Named(Protocol):
    """A request that names a collection."""

    entity: str
    project: str
    collection: str


class Paged(Protocol):
    """A request for a page of a list."""

    filter: str
    order_by: str
    page_size: int
    page_token: str


class Expecting(Protocol):
    """A message that may say where an alias is expected."""

    expected_version: str

    def HasField(self, field_name: Literal["expected_version"]) -> bool:
        """Tell whether it does."""
        ...


def collection_name(request: Named) -> CollectionName:
    """Return the collection that a request names.

    Raises:
        NameInvalidError: a name breaks the rules.
    """
    return CollectionName(
        require_name(request.entity, field="entity"),
        canonical_project(require_name(request.project, field="project")),
        require_name(request.collection, field="collection"),
    )


def list_request(request: Paged) -> ListRequest:
    """Return the paging, filter and order of a request."""
    return ListRequest(request.filter, request.order_by, request.page_size, request.page_token)


class Timed(Protocol):
    """A request that may give `as_of`."""

    @property
    def as_of(self) -> Timestamp: ...

    def HasField(self, field_name: Literal["as_of"]) -> bool:
        """Tell whether it is given."""
        ...


def as_of_us(request: Timed) -> int | None:
    """Return the time that a request asks about, in microseconds since 1970; None for now.

    Raises:
        FieldViolationError: it is no time that there is.
    """
    if not request.HasField("as_of"):
        return None
    seconds, nanos = request.as_of.seconds, request.as_of.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000):
        raise FieldViolationError("as_of", "it is not a time from the year 1 to the year 9999")
    return seconds * 1_000_000 + nanos // 1000


def expected_version(request: Expecting) -> int | AnyVersion | None:
    """Return where a request expects an alias: a version's number, None for nowhere.

    Raises:
        FieldViolationError: it is neither `vN` nor the empty text.
    """
    if not request.HasField("expected_version"):
        return AnyVersion()
    text = request.expected_version
    return require_version_number(text, field="expected_version") if text else None


def mask_paths(mask: FieldMask, allowed: Collection[str]) -> frozenset[str]:
    """Return the fields to change.

    Raises:
        FieldViolationError: there are none, or one cannot be changed.
    """
    paths = frozenset(mask.paths)
    if not paths:
        raise FieldViolationError("update_mask", "it is empty; name the fields to change")
    for path in sorted(paths - frozenset(allowed)):
        known = ", ".join(sorted(allowed))
        raise FieldViolationError("update_mask", f"{path[:80]!r} is not one of {known}")
    return paths


def chunk_refs(digests: bytes, sizes: Sequence[int], *, field: str) -> list[ChunkRef]:
    """Return chunks given by columns.

    Raises:
        FieldViolationError: the columns disagree.
    """
    split = split_digests(digests, field=field)
    if len(split) != len(sizes):
        raise FieldViolationError(field, f"there are {len(split)} digests and {len(sizes)} sizes")
    return [ChunkRef(digest, size) for digest, size in zip(split, sizes, strict=True)]


def require_few_digests(digests: bytes) -> None:
    """Return when a request does not ask for too many digests.

    Raises:
        BatchTooLargeError: it does.
    """
    count = len(digests) // 32
    if count > MAX_DIGESTS_PER_FIND:
        raise BatchTooLargeError(
            f"{count} digests are more than {MAX_DIGESTS_PER_FIND}",
            details={"limit": str(MAX_DIGESTS_PER_FIND)},
        )


def chunk_batch(message: types_pb2.ChunkBatch, payload: bytes | memoryview) -> ChunkBatch:
    """Return a batch with its payload, wherever that was kept.

    Raises:
        UnsupportedCompressionError: it is compressed.
    """
    if message.compression not in _SUPPORTED:
        raise UnsupportedCompressionError("this server takes IDENTITY only")
    return ChunkBatch(message.seq, message.sizes, message.digests, payload)


def stage_batch(request: artifact_pb2.StageFilesRequest) -> StageBatch:
    """Return the operations of a StageFiles call.

    Raises:
        FieldViolationError: an operation is malformed.
    """
    puts: list[FileDraft] = []
    references: list[ReferenceDraft] = []
    copies: list[EntryCopy] = []
    paths: list[str] = []
    prefixes: list[str] = []
    for operation in request.operations:
        match operation.WhichOneof("operation"):
            case "put":
                puts.append(_draft(operation.put))
            case "put_reference":
                references.append(_reference(operation.put_reference))
            case "copy":
                copies.append(_copy(operation.copy))
            case "remove_path":
                paths.append(operation.remove_path)
            case "remove_prefix":
                prefixes.append(operation.remove_prefix)
            case _:
                raise FieldViolationError("operations", "an operation is empty")
    return StageBatch(request.writer_id, request.seq, puts, references, copies, paths, prefixes)


def _draft(entry: artifact_pb2.FileEntry) -> FileDraft:
    return FileDraft(
        path=entry.path,
        size_bytes=entry.size_bytes,
        content_digest=entry.content_digest,
        chunks=chunk_refs(entry.chunk_digests, entry.chunk_sizes, field="chunk_digests"),
        recipe_digests=split_digests(entry.recipe_digests, field="recipe_digests"),
    )


def _reference(entry: artifact_pb2.ReferenceEntry) -> ReferenceDraft:
    return ReferenceDraft(entry.path, entry.size_bytes, entry.uri, entry.checksum)


def _copy(entry: artifact_pb2.CopiedEntry) -> EntryCopy:
    return EntryCopy(entry.path, entry.source_ref, entry.source_path)


def alias_operation(message: artifact_pb2.AliasOperation) -> AliasOperation:
    """Return one operation on an alias.

    Raises:
        FieldViolationError: it does nothing, or a version is not `vN`.
    """
    expected = expected_version(message)
    match message.WhichOneof("operation"):
        case "set_version":
            version = require_version_number(message.set_version, field="set_version")
            return AliasOperation(message.alias, version, expected)
        case "remove" if message.remove:
            return AliasOperation(message.alias, None, expected)
    raise FieldViolationError("operations", f"nothing is to be done with {message.alias[:80]!r}")
