"""One way to put something around every call, whichever side of it streams."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import Message

from hydria_server.rpc.calls import Context

Req = TypeVar("Req")
Res = TypeVar("Res")
Incoming: TypeAlias = Message | AsyncIterator[Message]
Unary: TypeAlias = Callable[[Incoming, Context], Awaitable[Message]]
Streaming: TypeAlias = Callable[[Incoming, Context], AsyncIterator[Message]]

_UNARY = ("unary_unary", "stream_unary")
_STREAMING = ("unary_stream", "stream_stream")


class WrappingInterceptor(grpc.aio.ServerInterceptor, ABC):
    """An interceptor that enters a context manager around each call."""

    @abstractmethod
    def around(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:
        """Return what to enter around a call of `method` (`/package.Service/Method`)."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Req, Res] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Req, Res] | None:
        """Wrap the handler that would serve the call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        wrapped: grpc.RpcMethodHandler[Req, Res] = _WrappedHandler()
        for name in ("request_streaming", "response_streaming"):
            setattr(wrapped, name, getattr(handler, name))
        wrapped.request_deserializer = handler.request_deserializer
        wrapped.response_serializer = handler.response_serializer
        method = handler_call_details.method
        # grpc's types know synchronous handlers only; ours are coroutines and async generators.
        for name in _UNARY:
            serve = cast("Unary | None", getattr(handler, name))
            setattr(wrapped, name, serve and self._unary(method, serve))
        for name in _STREAMING:
            stream = cast("Streaming | None", getattr(handler, name))
            setattr(wrapped, name, stream and self._stream(method, stream))
        return wrapped

    def _unary(self, method: str, serve: Unary) -> Unary:
        async def wrapped(incoming: Incoming, context: Context) -> Message:
            async with self.around(method, context):
                return await serve(incoming, context)
            raise AssertionError("an error was swallowed around a call")

        return wrapped

    def _stream(self, method: str, serve: Streaming) -> Streaming:
        if not inspect.isasyncgenfunction(serve):  # a coroutine that writes by itself: health's
            return cast("Streaming", self._unary(method, cast("Unary", serve)))

        async def wrapped(incoming: Incoming, context: Context) -> AsyncIterator[Message]:
            async with self.around(method, context):
                async for message in serve(incoming, context):
                    yield message

        return wrapped


class _WrappedHandler(grpc.RpcMethodHandler):  # type: ignore[type-arg] # not generic at run time
    """A handler like the one it wraps."""
