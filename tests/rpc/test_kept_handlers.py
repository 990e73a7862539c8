"""How a server finds what serves a call: once for each method, whatever else is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from hydria_server.rpc.kept_handlers import KeptHandlersInterceptor
from tests.servers import memory_server

METHOD = "/grpc.health.v1.Health/Check"
Req = TypeVar("Req")
Res = TypeVar("Res")


class Counting(grpc.aio.ServerInterceptor):
    """Notes for which methods it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Req, Res] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Req, Res] | None:
        self.asked.append(handler_call_details.method)
        return await continuation(handler_call_details)


@asynccontextmanager
async def health_server(*interceptors: grpc.aio.ServerInterceptor) -> AsyncIterator[str]:
    server = grpc.aio.server(interceptors=interceptors)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def call(channel: grpc.aio.Channel, method: str) -> bytes:
    ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return await ask(b"", timeout=30)


async def test_the_other_interceptors_are_asked_once_for_each_method() -> None:
    counting, kept = Counting(), KeptHandlersInterceptor()
    async with (
        health_server(kept, counting) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        answers = [await call(channel, METHOD) for _ in range(5)]

    serving = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    assert answers == [serving.SerializeToString()] * 5
    assert counting.asked == [METHOD]


async def test_made_up_methods_are_refused_each_time_and_not_kept() -> None:
    counting, kept = Counting(), KeptHandlersInterceptor()
    async with (
        health_server(kept, counting) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        for number in (1, 1, 2):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(channel, f"/made.up.Service/Method{number}")
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    assert len(counting.asked) == 3
    assert kept._kept == {}


async def test_a_server_waits_for_calls_of_all_its_methods_with_one_task() -> None:
    async with memory_server():
        waiting = [
            task
            for task in asyncio.all_tasks()
            if "_request" in repr(task) and "grpc" in repr(task)
        ]

    assert len(waiting) == 1, waiting
