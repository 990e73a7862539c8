"""What a refused call must look like on the wire: code, reason, bounds, and nothing leaked."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

REPOSITORY = Path(__file__).parents[1]
_STATUS_KEY = "grpc-status-details-bin"
_MAX_MESSAGE_BYTES = 512
_MAX_DETAILS_BYTES = 4096

# Written down from the comments of ErrorReason, not from the server's own table.
CODES: Mapping[str, StatusCode] = {
    **dict.fromkeys(
        (
            "FIELD_VIOLATION",
            "NAME_INVALID",
            "NAME_RESERVED",
            "PATH_INVALID",
            "DUPLICATE_PATH",
            "PATH_CONFLICT",
            "DIGEST_MISMATCH",
            "SIZE_MISMATCH",
            "CHUNK_TOO_LARGE",
            "BATCH_TOO_LARGE",
            "UNSUPPORTED_COMPRESSION",
            "UNSUPPORTED_DIGEST_FUNCTION",
            "PAGE_TOKEN_INVALID",
            "FILTER_INVALID",
            "REQUEST_ID_REUSED",
            "REFERENCE_INVALID",
            "CROSS_DOMAIN",
            "WATCH_TOKEN_INVALID",
            "WEBHOOK_TARGET_REFUSED",
        ),
        StatusCode.INVALID_ARGUMENT,
    ),
    **dict.fromkeys(
        (
            "RESOURCE_NOT_FOUND",
            "ALIAS_NOT_FOUND",
            "UPLOAD_NOT_FOUND",
            "CHUNK_NOT_FOUND",
            "FILE_NOT_FOUND",
            "VERSION_DELETED",
        ),
        StatusCode.NOT_FOUND,
    ),
    "RESOURCE_ALREADY_EXISTS": StatusCode.ALREADY_EXISTS,
    **dict.fromkeys(
        (
            "CHUNKS_MISSING",
            "UPLOAD_NOT_OPEN",
            "UPLOAD_EXPIRED",
            "RESOURCE_IN_USE",
            "TYPE_MISMATCH",
            "WRITERS_UNFINISHED",
            "RUN_NOT_RUNNING",
            "RUN_TAKEN_OVER",
            "LINEAGE_CYCLE",
        ),
        StatusCode.FAILED_PRECONDITION,
    ),
    "ETAG_MISMATCH": StatusCode.ABORTED,
    "ALIAS_CONFLICT": StatusCode.ABORTED,
    "ALIAS_PROTECTED": StatusCode.PERMISSION_DENIED,
    "NO_PREVIOUS_VERSION": StatusCode.FAILED_PRECONDITION,
    "RANGE_OUT_OF_BOUNDS": StatusCode.OUT_OF_RANGE,
    "WATCH_TOKEN_COMPACTED": StatusCode.OUT_OF_RANGE,
    "WATCH_TOKEN_FROM_FUTURE": StatusCode.OUT_OF_RANGE,
    "TOO_MANY_WATCHES": StatusCode.RESOURCE_EXHAUSTED,
    "TOO_MANY_DEPLOYMENTS": StatusCode.RESOURCE_EXHAUSTED,
    "STORAGE_FULL": StatusCode.RESOURCE_EXHAUSTED,
    "TOO_MANY_WEBHOOKS": StatusCode.RESOURCE_EXHAUSTED,
    "TOO_MANY_UPLOADS": StatusCode.RESOURCE_EXHAUSTED,
    "SERVER_DRAINING": StatusCode.UNAVAILABLE,
    "STORAGE_UNAVAILABLE": StatusCode.UNAVAILABLE,
    "STREAM_STALLED": StatusCode.DEADLINE_EXCEEDED,
    "CHUNK_CORRUPT": StatusCode.DATA_LOSS,
    "INTERNAL_ERROR": StatusCode.INTERNAL,
}


@dataclass(slots=True)
class Refusal:
    """The error of a refused call; filled in when the `refused` block is left."""

    message: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@contextmanager
def refused(reason: str) -> Iterator[Refusal]:
    """Expect that a call in the block ends with that reason, its code, and all that is promised."""
    refusal = Refusal()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        yield refusal
    error = raised.value
    found = reason_of(error)
    assert found == reason, f"expected {reason}, got {error.code()} {found}: {error.details()}"
    assert error.code() is CODES[reason]
    refusal.message = error.details() or ""
    refusal.metadata = dict(info_of(error).metadata)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of an error that keeps every promise about errors."""
    status = status_of(error)
    assert status.message == error.details()
    assert status.code == error.code().value[0]
    assert len(status.message.encode()) <= _MAX_MESSAGE_BYTES
    assert sum(detail.ByteSize() for detail in status.details) <= _MAX_DETAILS_BYTES
    info = info_of(error)
    assert info.domain == "hydria"
    assert info.reason in CODES
    for secret in (
        "Traceback",
        str(REPOSITORY),
        "site-packages",
        "sqlite",
        "SELECT ",
        "hydria_server",
    ):
        assert secret not in str(status)
    return info.reason


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    """Return the one ErrorInfo of an error."""
    (detail,) = status_of(error).details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    return info


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """Return the google.rpc.Status in an error's trailers."""
    found = [value for key, value in error.trailing_metadata() or () if key == _STATUS_KEY]
    assert len(found) == 1, f"{error.code()}: {error.details()} has {len(found)} status details"
    raw = found[0]
    assert isinstance(raw, bytes)
    return status_pb2.Status.FromString(raw)


async def outcome_of(call: Awaitable[object]) -> str:
    """Return the reason that a call is refused for, or the empty text when it succeeds."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    return ""
