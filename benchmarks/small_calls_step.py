"""Small calls by generated stubs, timed one by one, in a process of its own.

`python -m benchmarks.small_calls_step fill ADDRESS COLLECTION COUNT`, `... commit ADDRESS COUNT`,
`... resolve ADDRESS COUNT CALLERS`, `... empty ADDRESS COUNT CALLERS`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from grpc import aio
from grpc_health.v1 import health_pb2

from benchmarks.own_use import print_measured
from hydria.v1 import artifact_pb2, artifact_pb2_grpc

_PROJECT = "bench"
_WRITERS = 16
_CALL_SECONDS = 120.0
_WARM_UP = 20

Call = Callable[[], Awaitable[object]]
Figures = dict[str, float]


def _stub(channel: aio.Channel) -> artifact_pb2_grpc.ArtifactServiceAsyncStub:
    stub: artifact_pb2_grpc.ArtifactServiceAsyncStub
    stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
    return stub


def _commit(channel: aio.Channel, collection: str) -> Call:
    put = _stub(channel).PutVersion

    def call() -> Awaitable[object]:
        request = artifact_pb2.PutVersionRequest(
            entity="local",
            project=_PROJECT,
            collection=collection,
            type="dataset",
            files=[artifact_pb2.InlineFile(path="data.bin", content=os.urandom(100))],
            aliases=["production"],
        )
        return put(request, timeout=_CALL_SECONDS)

    return call


async def fill(channel: aio.Channel, collection: str, count: str) -> Figures:
    """Make so many versions of a collection, by some callers at the same time."""
    await _timed(_commit(channel, collection), 1, 1)  # so that the collection is there
    await _timed(_commit(channel, collection), int(count) - 1, _WRITERS)
    return {"versions": int(count)}


async def commit(channel: aio.Channel, count: str) -> Figures:
    """Commit into the collection with few and the one with many versions, in turn."""
    few, many = _commit(channel, "few"), _commit(channel, "many")
    seconds: dict[str, list[float]] = {"few": [], "many": []}
    for _round in range(int(count)):
        seconds["few"] += await _timed(few, 1, 1)
        seconds["many"] += await _timed(many, 1, 1)
    return {f"{name}_seconds": statistics.median(each) for name, each in seconds.items()}


async def resolve(channel: aio.Channel, count: str, callers: str) -> Figures:
    """Find a version by its alias."""
    get = _stub(channel).GetVersion
    request = artifact_pb2.GetVersionRequest(ref=f"local/{_PROJECT}/few:production")
    return await _rate(lambda: get(request, timeout=_CALL_SECONDS), int(count), int(callers))


async def empty(channel: aio.Channel, count: str, callers: str) -> Figures:
    """Ask the same server whether it is healthy: a call with nothing behind it."""
    check: aio.UnaryUnaryMultiCallable[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ] = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    request = health_pb2.HealthCheckRequest()
    return await _rate(lambda: check(request, timeout=_CALL_SECONDS), int(count), int(callers))


async def _rate(call: Call, count: int, callers: int) -> Figures:
    await _timed(call, _WARM_UP, 1)
    begun_at = time.perf_counter()
    seconds = await _timed(call, count, callers)
    rate = len(seconds) / (time.perf_counter() - begun_at)
    return {
        "calls": len(seconds),
        "calls_per_second": rate,
        "p50_seconds": statistics.median(seconds),
    }


async def _timed(call: Call, count: int, callers: int) -> list[float]:
    """Call so often, by so many callers together; return how long each call took."""
    seconds: list[float] = []
    numbers = iter(range(count))

    async def caller() -> None:
        for _number in numbers:
            begun_at = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - begun_at)

    async with asyncio.TaskGroup() as group:
        for _caller in range(callers):
            group.create_task(caller())
    return seconds


STEPS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "fill": fill,
    "commit": commit,
    "resolve": resolve,
    "empty": empty,
}


async def main(step: str, address: str, *arguments: str) -> None:
    """Run the step and print what it measured."""
    async with aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        cpu, begun_at = time.process_time(), time.perf_counter()
        figures = await STEPS[step](channel, *arguments)
        seconds = time.perf_counter() - begun_at
        print_measured(seconds, time.process_time() - cpu, figures)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
