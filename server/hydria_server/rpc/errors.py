"""From errors to statuses: the one table, and the interceptor that applies it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from hydria.v1 import types_pb2
from hydria_server.domain import errors, watch_errors
from hydria_server.domain.alias_errors import PermissionDeniedError
from hydria_server.rpc.calls import Context, current_call
from hydria_server.rpc.edge import Requests, Serve
from hydria_server.rpc.wrapping import WrappingInterceptor

ERROR_DOMAIN = "hydria"
# grpcio replaces the status of a call whose trailers pass 8 KiB, at random.
MAX_MESSAGE_BYTES = 512
MAX_DETAILS_BYTES = 3072
_DETAILS_KEY = "grpc-status-details-bin"

STATUS: Mapping[type[errors.HydriaError], StatusCode] = {
    errors.InvalidArgumentError: StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: StatusCode.ALREADY_EXISTS,
    errors.FailedPreconditionError: StatusCode.FAILED_PRECONDITION,
    errors.AbortedError: StatusCode.ABORTED,
    PermissionDeniedError: StatusCode.PERMISSION_DENIED,
    errors.RangeOutOfBoundsError: StatusCode.OUT_OF_RANGE,
    watch_errors.WatchTokenOutOfRangeError: StatusCode.OUT_OF_RANGE,
    errors.ResourceExhaustedError: StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: StatusCode.UNAVAILABLE,
    errors.StalledError: StatusCode.DEADLINE_EXCEEDED,
    errors.DataLossError: StatusCode.DATA_LOSS,
}

_log = logging.getLogger("hydria.errors")


@dataclass(frozen=True, slots=True)
class WireError:
    """An error as clients see it."""

    code: StatusCode
    reason: str
    message: str
    details: Mapping[str, str]

    def to_message(self) -> types_pb2.Error:
        """Return it for use inside a stream."""
        return types_pb2.Error(
            code=self.code.value[0],
            reason=self.reason,
            message=self.message,
            metadata=self.details,
        )

    def to_status(self) -> bytes:
        """Return it as a serialized google.rpc.Status, for the trailers."""
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain=ERROR_DOMAIN, metadata=self.details
        )
        detail = any_pb2.Any()
        detail.Pack(info)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=[detail])
        return status.SerializeToString()


class ReportedError(Exception):
    """An error that was turned into its wire form already."""

    def __init__(self, wire: WireError) -> None:
        super().__init__(wire.message)
        self.wire = wire


def status_of(error: errors.HydriaError) -> StatusCode:
    """Return the status code of an error: that of the nearest class in the table."""
    return next(
        (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), StatusCode.INTERNAL
    )


def to_wire(error: BaseException) -> WireError:
    """Return what clients may know of an error; log what they may not."""
    if isinstance(error, BaseExceptionGroup):
        return to_wire(error.exceptions[0])
    if isinstance(error, ReportedError):
        return error.wire
    if isinstance(error, errors.HydriaError):
        message = _cut(error.message, MAX_MESSAGE_BYTES)
        return WireError(status_of(error), error.reason, message, _bounded(error.details))
    incident = uuid.uuid4().hex
    _log.error("incident %s", incident, exc_info=error)
    return WireError(
        StatusCode.INTERNAL,
        errors.HydriaError.reason,
        f"internal error; the server's log has the cause under incident {incident}",
        {"incident_id": incident},
    )


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode("utf-8", "replace")[:limit_bytes].decode("utf-8", "ignore")


def _bounded(details: Mapping[str, str]) -> dict[str, str]:
    return {key: _cut(value, MAX_DETAILS_BYTES // len(details)) for key, value in details.items()}


class ErrorInterceptor(WrappingInterceptor):
    """Ends failed calls with their status. Nothing unforeseen leaves the server as text."""

    def __init__(self, *, stall_timeout_seconds: float) -> None:
        self._stall_timeout_seconds = stall_timeout_seconds

    async def call(
        self, method: str, serve: Serve, requests: Requests, context: Context
    ) -> Message | None:
        """Guard one call."""
        try:
            return await serve(requests, context)
        except (asyncio.CancelledError, grpc.aio.AbortError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - the boundary: everything gets a status
            await self._abort(context, to_wire(error))

    async def _abort(self, context: Context, wire: WireError) -> NoReturn:
        """End the call with that status.

        Raises:
            grpc.aio.AbortError: it was sent; this is how a handler ends early.
            asyncio.CancelledError: it waits behind bytes that the client does not take, and was
                given up; grpc drops the call.
        """
        current_call().reason = wire.reason
        trailers = ((_DETAILS_KEY, wire.to_status()),)
        try:
            async with asyncio.timeout(self._stall_timeout_seconds):
                await context.abort(wire.code, wire.message, trailing_metadata=trailers)
        except TimeoutError:
            raise asyncio.CancelledError from None
