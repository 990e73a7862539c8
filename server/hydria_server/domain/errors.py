"""Everything that Hydria refuses, by name. `rpc/errors.py` alone maps these to statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class HydriaError(Exception):
    """The root of what the server refuses on purpose.

    `reason` is the stable, machine-readable name that clients see; `details` are short strings
    that help to act on it. The message says what, which, and what to do, and leaks nothing.
    """

    reason: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, *, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, str] = dict(details or {})


# --- the request is wrong, whatever the state -------------------------------------------------


class InvalidArgumentError(HydriaError):
    """The request can never succeed as it is."""

    reason = "FIELD_VIOLATION"


class FieldViolationError(InvalidArgumentError):
    """One field of the request is malformed; `field` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", details={"field": field})
        self.field = field


class NameInvalidError(FieldViolationError):
    """A name of an entity, project, collection, type, alias or tag breaks the rules."""

    reason = "NAME_INVALID"


class NameReservedError(FieldViolationError):
    """The name means something to Hydria itself (`latest`, `v3`, `model-registry`)."""

    reason = "NAME_RESERVED"


class PathInvalidError(FieldViolationError):
    """A path in a version breaks the rules."""

    reason = "PATH_INVALID"


class DuplicatePathError(InvalidArgumentError):
    """One path was staged with two contents."""

    reason = "DUPLICATE_PATH"


class PathConflictError(InvalidArgumentError):
    """One path is a file and also a directory of another (`a` and `a/b`)."""

    reason = "PATH_CONFLICT"


class DigestMismatchError(InvalidArgumentError):
    """The bytes are not what their digest says."""

    reason = "DIGEST_MISMATCH"


class SizeMismatchError(InvalidArgumentError):
    """The bytes are not as many as was declared."""

    reason = "SIZE_MISMATCH"


class ChunkTooLargeError(InvalidArgumentError):
    """A chunk is over 2 MiB."""

    reason = "CHUNK_TOO_LARGE"


class BatchTooLargeError(InvalidArgumentError):
    """A batch or a list in a request is over its limit."""

    reason = "BATCH_TOO_LARGE"


class UnsupportedCompressionError(InvalidArgumentError):
    """This server stores and sends IDENTITY only."""

    reason = "UNSUPPORTED_COMPRESSION"


class UnsupportedDigestFunctionError(InvalidArgumentError):
    """This store was made for another digest function."""

    reason = "UNSUPPORTED_DIGEST_FUNCTION"


class PageTokenInvalidError(InvalidArgumentError):
    """The page token is not one of ours, or was made for another request."""

    reason = "PAGE_TOKEN_INVALID"


class FilterInvalidError(InvalidArgumentError):
    """`filter` or `order_by` does not parse, or names an unknown field."""

    reason = "FILTER_INVALID"


class RequestIdReusedError(InvalidArgumentError):
    """The request id was used before with another payload."""

    reason = "REQUEST_ID_REUSED"


# --- it is not there ---------------------------------------------------------------------------


class NotFoundError(HydriaError):
    """What the request names does not exist."""

    reason = "RESOURCE_NOT_FOUND"


class AliasNotFoundError(NotFoundError):
    """The collection exists, the alias does not."""

    reason = "ALIAS_NOT_FOUND"


class UploadNotFoundError(NotFoundError):
    """There is no such upload."""

    reason = "UPLOAD_NOT_FOUND"


class ChunkNotFoundError(NotFoundError):
    """The version has no such chunk."""

    reason = "CHUNK_NOT_FOUND"


class FileNotFoundInVersionError(NotFoundError):
    """The version has no such file."""

    reason = "FILE_NOT_FOUND"


# --- it is in the wrong state ------------------------------------------------------------------


class AlreadyExistsError(HydriaError):
    """The name is taken."""

    reason = "RESOURCE_ALREADY_EXISTS"


class FailedPreconditionError(HydriaError):
    """The request is well-formed, the state forbids it."""

    reason = "FAILED_PRECONDITION"


class ChunksMissingError(FailedPreconditionError):
    """A staged file names chunks that the server does not have."""

    reason = "CHUNKS_MISSING"


class UploadNotOpenError(FailedPreconditionError):
    """The upload was committed or aborted."""

    reason = "UPLOAD_NOT_OPEN"


class UploadExpiredError(FailedPreconditionError):
    """The upload's lease ran out; begin another (its chunks are mostly still there)."""

    reason = "UPLOAD_EXPIRED"


class ResourceInUseError(FailedPreconditionError):
    """Something still points at it; the details name what."""

    reason = "RESOURCE_IN_USE"


class TypeMismatchError(FailedPreconditionError):
    """The collection has another type."""

    reason = "TYPE_MISMATCH"


class WritersUnfinishedError(FailedPreconditionError):
    """Writers that the commit names have not finished."""

    reason = "WRITERS_UNFINISHED"


class VersionDeletedError(NotFoundError):
    """The version was deleted."""

    reason = "VERSION_DELETED"


class AbortedError(HydriaError):
    """Somebody else was faster: read again, then decide again."""

    reason = "ABORTED"


class EtagMismatchError(AbortedError):
    """The resource changed since the etag was read."""

    reason = "ETAG_MISMATCH"


class AliasConflictError(AbortedError):
    """The alias is not where the request expected it."""

    reason = "ALIAS_CONFLICT"


# --- limits, faults ----------------------------------------------------------------------------


class RangeOutOfBoundsError(HydriaError):
    """The byte range begins beyond the end of the file."""

    reason = "RANGE_OUT_OF_BOUNDS"


class ResourceExhaustedError(HydriaError):
    """A limit of the server is reached."""

    reason = "RESOURCE_EXHAUSTED"


class StorageFullError(ResourceExhaustedError):
    """There is no room for new bytes."""

    reason = "STORAGE_FULL"


class TooManyUploadsError(ResourceExhaustedError):
    """The entity has as many open uploads as it may have."""

    reason = "TOO_MANY_UPLOADS"


class UnavailableError(HydriaError):
    """Not now: the same request may succeed later, here or on another server."""

    reason = "UNAVAILABLE"


class ServerDrainingError(UnavailableError):
    """The server is shutting down."""

    reason = "SERVER_DRAINING"


class StorageUnavailableError(UnavailableError):
    """The store failed and takes no more writes."""

    reason = "STORAGE_UNAVAILABLE"


class StalledError(HydriaError):
    """The peer sent nothing for too long."""

    reason = "STREAM_STALLED"


class DataLossError(HydriaError):
    """Stored bytes are damaged; they are never served."""

    reason = "DATA_LOSS"


class ChunkCorruptError(DataLossError):
    """A stored chunk does not match its record; upload the same content again to repair it."""

    reason = "CHUNK_CORRUPT"

    def __init__(self, digest: bytes) -> None:
        super().__init__(
            "a stored chunk is damaged; uploading the same content again repairs it",
            details={"digest": "blake3:" + digest.hex()},
        )
        self.digest = digest
