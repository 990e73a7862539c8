"""One way to put something around every call, whichever side of it streams."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from hydria_server.rpc.calls import Context
from hydria_server.rpc.edge import Requests, Serve, like

Req = TypeVar("Req")
Res = TypeVar("Res")


class WrappingInterceptor(grpc.aio.ServerInterceptor, ABC):
    """An interceptor with one coroutine for all calls, in which it awaits what serves each.

    It stands outside of `EdgeInterceptor`, so that every handler is a coroutine.
    """

    @abstractmethod
    async def call(
        self, method: str, serve: Serve, requests: Requests, context: Context
    ) -> Message | None:
        """Serve a call of `method` (`/package.Service/Method`)."""

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
        return like(handler, lambda serve: self._wrapped(handler_call_details.method, serve))

    def _wrapped(self, method: str, serve: Serve) -> Serve:
        async def wrapped(requests: Requests, context: Context) -> Message | None:
            return await self.call(method, serve, requests, context)

        return wrapped
