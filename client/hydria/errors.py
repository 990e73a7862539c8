"""Everything that can go wrong for a caller of the library, by name.

The names follow the reasons of the contract (`ErrorReason` in types.proto). A reason that nobody
would handle by itself has no class of its own: it is an instance of its status code's class, and
its `reason` tells. `hydria.status` turns what a server says into one of these.
"""

from __future__ import annotations

from collections.abc import Mapping


class HydriaError(Exception):
    """The root of all errors that Hydria raises on purpose.

    `reason` is the stable name of what went wrong (`ErrorReason` in the contract; empty for what
    no server said), `details` are short strings that help to act on it (an alias, a limit), and
    the message says what, which, and what to do.
    """

    reason: str = ""

    def __init__(
        self, message: str, *, details: Mapping[str, str] | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, str] = dict(details or {})
        self.reason = reason or type(self).reason


# --- the request is wrong, whatever the state ---------------------------------------------------


class InvalidArgumentError(HydriaError):
    """The request can never succeed as it is."""


class FieldViolationError(InvalidArgumentError):
    """One field of the request is malformed; `details["field"]` names it."""

    reason = "FIELD_VIOLATION"


class NameInvalidError(InvalidArgumentError):
    """A name of an entity, project, collection, type, alias or tag breaks the rules."""

    reason = "NAME_INVALID"


class NameReservedError(InvalidArgumentError):
    """The name means something to Hydria itself (`latest`, `v3`, `model-registry`)."""

    reason = "NAME_RESERVED"


class RefInvalidError(InvalidArgumentError):
    """The text is not a ref, or no default fills in what it leaves out."""


class PathInvalidError(InvalidArgumentError):
    """A path in a version breaks the rules."""

    reason = "PATH_INVALID"


class DuplicatePathError(InvalidArgumentError):
    """One path was given two contents."""

    reason = "DUPLICATE_PATH"


class PathConflictError(InvalidArgumentError):
    """One path is a file and also a directory of another (`a` and `a/b`)."""

    reason = "PATH_CONFLICT"


class DigestMismatchError(InvalidArgumentError):
    """The server found other bytes than the digest given for them says."""

    reason = "DIGEST_MISMATCH"


class SizeMismatchError(InvalidArgumentError):
    """The server found more or fewer bytes than declared."""

    reason = "SIZE_MISMATCH"


class UnsupportedDigestFunctionError(InvalidArgumentError):
    """The store names content by another digest function than BLAKE3-256."""

    reason = "UNSUPPORTED_DIGEST_FUNCTION"


class FilterInvalidError(InvalidArgumentError):
    """`filter` or `order_by` does not parse, or names an unknown field."""

    reason = "FILTER_INVALID"


class RangeOutOfBoundsError(HydriaError):
    """The byte range begins beyond the end of the file."""

    reason = "RANGE_OUT_OF_BOUNDS"


# --- it is not there ----------------------------------------------------------------------------


class NotFoundError(HydriaError):
    """What the request names does not exist."""

    reason = "RESOURCE_NOT_FOUND"


class AliasNotFoundError(NotFoundError):
    """The collection has no such alias."""

    reason = "ALIAS_NOT_FOUND"


class UploadNotFoundError(NotFoundError):
    """There is no such upload."""

    reason = "UPLOAD_NOT_FOUND"


class FileNotFoundInVersionError(NotFoundError):
    """The version has no such file."""

    reason = "FILE_NOT_FOUND"


class VersionDeletedError(NotFoundError):
    """The version was deleted. Its number is never used again."""

    reason = "VERSION_DELETED"


# --- it is in the wrong state, or somebody was faster -------------------------------------------


class AlreadyExistsError(HydriaError):
    """The name is taken."""

    reason = "RESOURCE_ALREADY_EXISTS"


class FailedPreconditionError(HydriaError):
    """The request is well-formed; the state of things forbids it."""


class ChunksMissingError(FailedPreconditionError):
    """The upload names chunks that the server does not have."""

    reason = "CHUNKS_MISSING"


class UploadNotOpenError(FailedPreconditionError):
    """The upload was committed or aborted."""

    reason = "UPLOAD_NOT_OPEN"


class UploadExpiredError(FailedPreconditionError):
    """The upload's lease ran out."""

    reason = "UPLOAD_EXPIRED"


class ResourceInUseError(FailedPreconditionError):
    """Aliases, links or live deployments still hold it; `details` names them."""

    reason = "RESOURCE_IN_USE"


class WritersUnfinishedError(FailedPreconditionError):
    """Writers that the commit names have not finished; `details["writers"]` names some."""

    reason = "WRITERS_UNFINISHED"


class TypeMismatchError(FailedPreconditionError):
    """The collection has another type; `details["actual"]` says which."""

    reason = "TYPE_MISMATCH"


class AbortedError(HydriaError):
    """Somebody else was faster: read again, then decide again."""


class EtagMismatchError(AbortedError):
    """The resource changed since its etag was read."""

    reason = "ETAG_MISMATCH"


class AliasConflictError(AbortedError):
    """An alias is not where it was expected; `details` says where it is."""

    reason = "ALIAS_CONFLICT"


# --- limits and faults of the server ------------------------------------------------------------


class ResourceExhaustedError(HydriaError):
    """A limit of the server is reached."""


class StorageFullError(ResourceExhaustedError):
    """The store has no room for new bytes. Reads go on."""

    reason = "STORAGE_FULL"


class TooManyUploadsError(ResourceExhaustedError):
    """The entity has as many open uploads as it may have."""

    reason = "TOO_MANY_UPLOADS"


class ServerUnavailableError(HydriaError, ConnectionError):
    """No server answers, or it asks to come back later. Retries were tried before this."""


class ServerDrainingError(ServerUnavailableError):
    """The server is shutting down."""

    reason = "SERVER_DRAINING"


class StorageUnavailableError(ServerUnavailableError):
    """The store failed and takes no more writes until the server restarts."""

    reason = "STORAGE_UNAVAILABLE"


class CallTimeoutError(HydriaError, TimeoutError):
    """A call took longer than its deadline."""


class StreamStalledError(CallTimeoutError):
    """Nothing moved on a stream for too long."""

    reason = "STREAM_STALLED"


class DataLossError(HydriaError):
    """Bytes are damaged. They are never handed out."""


class ChunkCorruptError(DataLossError):
    """A stored chunk is damaged. Uploading the same content again repairs it."""

    reason = "CHUNK_CORRUPT"


class InternalServerError(HydriaError):
    """A defect of the server; `details["incident_id"]` finds its cause in the server's log."""

    reason = "INTERNAL_ERROR"


# --- found by the client itself -----------------------------------------------------------------


class ReceivedDataError(DataLossError):
    """What the server sent is not what it announced, or not what its digest says."""


class SourceError(HydriaError):
    """A local file cannot be logged: a cycle, a dangling link, a device, an undecodable name."""


class SourceChangedError(SourceError):
    """A local file kept changing while it was read. Nothing of it is in a version."""


class WriterConflictError(HydriaError):
    """Another process stages into the same upload under the same writer id."""


class TargetError(HydriaError):
    """A file cannot be put where it belongs: a directory is in the way, or a link leads out."""


class ClientClosedError(HydriaError):
    """The client was closed, or belongs to another event loop."""


class ForkedProcessError(HydriaError):
    """gRPC was in use when this process was forked, and cannot be used in the child."""
