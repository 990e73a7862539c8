"""The edge to grpc: requests that do not parse, and responses that nobody takes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message

from hydria_server.domain.errors import FieldViolationError, StalledError
from hydria_server.rpc.calls import Context

Req = TypeVar("Req")
Res = TypeVar("Res")
Parse: TypeAlias = Callable[[bytes], object]
Requests: TypeAlias = Message | AsyncIterator[Message]
Serve: TypeAlias = Callable[[Requests, Context], Awaitable[Message | None]]
Write: TypeAlias = Callable[[Message], Awaitable[None]]
Generate: TypeAlias = Callable[[Requests, Context], AsyncGenerator[Message, None]]

RESPONSE_KINDS = ("unary_unary", "stream_unary", "unary_stream", "stream_stream")


class Handler(grpc.RpcMethodHandler):  # type: ignore[type-arg] # not generic at run time
    """A handler made from another one."""


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """The innermost interceptor: it settles what grpc leaves open.

    - A request that does not parse is an error of the call like any malformed field; grpc would
      answer UNKNOWN with the name of a class.
    - A stream of responses is closed as soon as its call is cancelled; grpc would leave that to
      the garbage collector.
    - A response that is not taken for too long ends the call; grpc would wait for ever.
    """

    def __init__(self, *, stall_timeout_seconds: float) -> None:
        self._stall_timeout_seconds = stall_timeout_seconds

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Req, Res] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Req, Res] | None:
        """Adapt the handler that would serve the call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        adapted = like(handler, self._adapted)
        parse = cast("Parse", handler.request_deserializer)
        adapted.request_deserializer = cast("Callable[[bytes], Req]", _tolerant(parse))
        return adapted

    def _adapted(self, serve: Serve | Generate) -> Serve:
        async def unary(requests: Requests, context: Context) -> Message | None:
            return await cast("Serve", serve)(_well_formed(requests), context)

        async def streaming(requests: Requests, context: Context) -> None:
            generate = cast("Generate", serve)
            async with (
                self._taken_in_time(context) as write,
                aclosing(generate(_well_formed(requests), context)) as responses,
            ):
                async for response in responses:
                    await write(response)

        # Some streaming handlers are coroutines that write by themselves: health's.
        return streaming if inspect.isasyncgenfunction(serve) else unary

    @asynccontextmanager
    async def _taken_in_time(self, context: Context) -> AsyncGenerator[Write, None]:
        """Give the function that writes to a call.

        Raises:
            StalledError: a response was not taken in time.
        """
        loop, seconds = asyncio.get_running_loop(), self._stall_timeout_seconds
        try:
            async with asyncio.timeout(None) as patience:
                writer = _Writer(context, seconds, lambda: patience.reschedule(loop.time()))
                try:
                    yield writer.write
                finally:
                    writer.close()
        except TimeoutError:
            if not patience.expired():
                raise
            raise StalledError(f"nothing was taken for {seconds:g} seconds") from None


class _Writer:
    """Writes to a call, and tells when one write lasts too long.

    One timer serves all writes and goes off once in the time that one may last, or never: a timer
    for each would cost as much as what else is done in Python to send a small message.
    """

    def __init__(self, context: Context, limit_seconds: float, stalled: Callable[[], None]) -> None:
        self._write = context.write
        self._limit_seconds = limit_seconds
        self._stalled = stalled
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._writing_since: float | None = None

    async def write(self, response: Message) -> None:
        """Write a response. After an error no more are written."""
        self._writing_since = self._loop.time()
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._limit_seconds, self._look)
        await self._write(response)
        self._writing_since = None

    def _look(self) -> None:
        self._alarm = None
        if self._writing_since is None:
            return
        due_at = self._writing_since + self._limit_seconds
        if due_at <= self._loop.time():
            self._stalled()
        else:
            self._alarm = self._loop.call_at(due_at, self._look)

    def close(self) -> None:
        """Stop the timer."""
        if self._alarm is not None:
            self._alarm.cancel()


def like(
    handler: grpc.RpcMethodHandler[Req, Res], adapt: Callable[[Serve], Serve]
) -> grpc.RpcMethodHandler[Req, Res]:
    """Return a handler like `handler` that serves by what `adapt` makes of its function."""
    made: grpc.RpcMethodHandler[Req, Res] = Handler()
    for name in ("request_streaming", "response_streaming"):
        setattr(made, name, getattr(handler, name))
    made.request_deserializer = handler.request_deserializer
    made.response_serializer = handler.response_serializer
    # grpc's types know synchronous handlers only; ours are coroutines and async generators.
    for name in RESPONSE_KINDS:
        serve = cast("Serve | None", getattr(handler, name))
        setattr(made, name, serve and adapt(serve))
    return made


class _Malformed:
    """Stands where a request would that does not parse."""


def _tolerant(parse: Parse) -> Parse:
    def parsed(raw: bytes) -> object:
        try:
            return parse(raw)
        except DecodeError:
            return _Malformed()

    return parsed


def _well_formed(requests: Requests) -> Requests:
    """Return the request, or the requests as they come, if they parse.

    Raises:
        FieldViolationError: they do not.
    """
    if isinstance(requests, AsyncIterator):
        return _WellFormed(requests)
    return _parsed(requests)


class _WellFormed(AsyncIterator[Message]):
    """Requests as they come. After one that does not parse the next may be received."""

    def __init__(self, requests: AsyncIterator[Message]) -> None:
        self._requests = requests

    async def __anext__(self) -> Message:
        return _parsed(await anext(self._requests))


def _parsed(request: Message | _Malformed) -> Message:
    if isinstance(request, _Malformed):
        raise FieldViolationError("request", "the message does not parse")
    return request
