"""What a server says went wrong, as one of `hydria.errors`: the one table for it."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc.aio import AioRpcError
from grpc_status import rpc_status

from hydria import errors, watch_errors
from hydria.alias_errors import (
    AliasProtectedError,
    NoPreviousVersionError,
    PermissionDeniedError,
)
from hydria.lineage.errors import LineageCycleError, RunNotRunningError, RunTakenOverError
from hydria.references.errors import CrossDomainError, ReferenceInvalidError
from hydria.v1 import types_pb2 as pb

_DOMAIN = "hydria"

_BY_REASON: dict[str, type[errors.HydriaError]] = {
    error.reason: error
    for error in (
        errors.FieldViolationError,
        errors.NameInvalidError,
        errors.NameReservedError,
        errors.PathInvalidError,
        errors.DuplicatePathError,
        errors.PathConflictError,
        errors.DigestMismatchError,
        errors.SizeMismatchError,
        errors.UnsupportedDigestFunctionError,
        errors.FilterInvalidError,
        errors.RangeOutOfBoundsError,
        watch_errors.WatchTokenInvalidError,
        watch_errors.WatchTokenCompactedError,
        watch_errors.WatchTokenFromFutureError,
        errors.NotFoundError,
        errors.AliasNotFoundError,
        errors.UploadNotFoundError,
        errors.FileNotFoundInVersionError,
        errors.VersionDeletedError,
        errors.AlreadyExistsError,
        errors.ChunksMissingError,
        errors.UploadNotOpenError,
        errors.UploadExpiredError,
        errors.ResourceInUseError,
        errors.WritersUnfinishedError,
        errors.TypeMismatchError,
        errors.EtagMismatchError,
        errors.AliasConflictError,
        errors.StorageFullError,
        errors.TooManyUploadsError,
        errors.ServerDrainingError,
        errors.StorageUnavailableError,
        errors.StreamStalledError,
        errors.ChunkCorruptError,
        errors.InternalServerError,
        ReferenceInvalidError,
        CrossDomainError,
        RunNotRunningError,
        RunTakenOverError,
        LineageCycleError,
        AliasProtectedError,
        NoPreviousVersionError,
    )
}

# For a reason that is not in the table (a newer server's) and for a status without one.
_BY_CODE: dict[int, type[errors.HydriaError]] = {
    grpc.StatusCode.INVALID_ARGUMENT.value[0]: errors.InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND.value[0]: errors.NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS.value[0]: errors.AlreadyExistsError,
    grpc.StatusCode.PERMISSION_DENIED.value[0]: PermissionDeniedError,
    grpc.StatusCode.FAILED_PRECONDITION.value[0]: errors.FailedPreconditionError,
    grpc.StatusCode.ABORTED.value[0]: errors.AbortedError,
    grpc.StatusCode.OUT_OF_RANGE.value[0]: errors.RangeOutOfBoundsError,
    grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]: errors.ResourceExhaustedError,
    grpc.StatusCode.UNAVAILABLE.value[0]: errors.ServerUnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED.value[0]: errors.CallTimeoutError,
    grpc.StatusCode.DATA_LOSS.value[0]: errors.DataLossError,
    grpc.StatusCode.INTERNAL.value[0]: errors.InternalServerError,
}


def error_of_rpc(failure: AioRpcError, *, address: str) -> errors.HydriaError:
    """Return the error that a failed call stands for; `address` is where it was sent."""
    info = _error_info(failure)
    code = failure.code().value[0]
    message = failure.details() or failure.code().name
    if info is not None:
        return _error(code, info.reason, message, info.metadata)
    if failure.code() is grpc.StatusCode.UNAVAILABLE:
        message = f"no Hydria server answers at {address} ({message})"
    return _error(code, "", message, {})


def error_of_message(failure: pb.Error) -> errors.HydriaError:
    """Return the error that a message inside a stream stands for."""
    return _error(failure.code, failure.reason, failure.message, failure.metadata)


def is_lost_transport(failure: AioRpcError) -> bool:
    """Tell whether a stream broke without a word of the server.

    A write that races with the end of the connection is reported by the runtime as INTERNAL or
    CANCELLED instead of UNAVAILABLE; a server that means INTERNAL says so with an `ErrorInfo`.
    """
    return _error_info(failure) is None and failure.code() in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.CANCELLED,
    )


def _error(code: int, reason: str, message: str, details: Mapping[str, str]) -> errors.HydriaError:
    error = _BY_REASON.get(reason) or _BY_CODE.get(code, errors.HydriaError)
    return error(message, details=details, reason=reason)


def _error_info(failure: AioRpcError) -> ErrorInfo | None:
    try:
        status = rpc_status.from_call(failure)  # type: ignore[arg-type]
    except ValueError:  # the details disagree with the status: a proxy's, not ours
        return None
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Is(ErrorInfo.DESCRIPTOR) and detail.Unpack(info) and info.domain == _DOMAIN:
            return info
    return None
