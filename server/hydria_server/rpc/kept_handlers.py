"""How a server finds what serves a call, at the same cost however many methods there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar, cast

import grpc

Req = TypeVar("Req")
Res = TypeVar("Res")


class KeptHandlersInterceptor(grpc.aio.ServerInterceptor):
    """The outermost interceptor: what the others make of a method's handler serves all its calls.

    So they may look at the name of the method, and at nothing else of the call.
    """

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Req, Res] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Req, Res] | None:
        """Return the handler that is kept, or ask the others once."""
        method = handler_call_details.method
        kept = self._kept.get(method)
        if kept is None:
            kept = await continuation(handler_call_details)
            if kept is not None:  # names of methods that there are not are anybody's to make up
                self._kept[method] = kept
        return cast("grpc.RpcMethodHandler[Req, Res] | None", kept)


class GenericRegistration:
    """What generated code registers services with: their handlers, but not each method by name.

    For methods that it knows by name grpc.aio keeps a task each, and goes through all of them
    with every call. With 80 methods that is a tenth of what an empty call costs.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Register what finds the handlers of a service."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, object]) -> None:
        """Do nothing: the generic handlers have them all."""
