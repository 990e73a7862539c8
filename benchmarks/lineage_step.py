"""Edges and metrics by generated stubs, in a process of its own.

`python -m benchmarks.lineage_step edges ADDRESS COUNT`, `... metrics ADDRESS POINTS`,
`... seed ADDRESS`, `... walks ADDRESS`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from grpc import aio

from benchmarks.own_use import print_measured
from hydria.v1 import artifact_pb2, artifact_pb2_grpc, lineage_pb2, lineage_pb2_grpc

_PROJECT = "bench"
_EDGES_PER_BATCH = 2_500
_POINTS_PER_BATCH = 5_000
_VERSIONS = 100
_SAMPLES = 1_000
_TIMES = 5
_WALKS = 200
_WALKED_NODES = 200
_ROOTS = 4  # versions of which a graph of 1,000 has all that is 5 hops away
_SECONDS = 120.0

Figures = dict[str, float]


async def edges(channel: aio.Channel, count: str) -> Figures:
    """Record so many edges from runs to versions, in batches."""
    stub = lineage_pb2_grpc.LineageServiceStub(channel)
    versions = await _versions(channel)
    runs = [await _run(stub) for _run_number in range(-(-int(count) // len(versions)))]
    new = [
        lineage_pb2.NewLineageEdge(
            kind=lineage_pb2.LINEAGE_EDGE_KIND_USED, run_ref=run, ref=version
        )
        for run in runs
        for version in versions
    ][: int(count)]
    begun_at = time.perf_counter()
    for start in range(0, len(new), _EDGES_PER_BATCH):
        batch = new[start : start + _EDGES_PER_BATCH]
        request = lineage_pb2.RecordLineageRequest(entity="local", edges=batch)
        await stub.RecordLineage(request, timeout=_SECONDS)
    return {"edges": len(new), "recording_seconds": time.perf_counter() - begun_at}


async def metrics(channel: aio.Channel, count: str) -> Figures:
    """Log so many points of one metric on one stream, then read them sampled."""
    stub = lineage_pb2_grpc.LineageServiceStub(channel)
    run = await _run(stub)

    async def messages() -> AsyncIterator[lineage_pb2.LogMetricsRequest]:
        yield lineage_pb2.LogMetricsRequest(header=lineage_pb2.LogMetricsHeader(run_ref=run))
        for start in range(0, int(count), _POINTS_PER_BATCH):
            steps = range(start, min(start + _POINTS_PER_BATCH, int(count)))
            values = [float(step % 997) for step in steps]
            series = lineage_pb2.MetricSeries(key="loss", steps=steps, values=values)
            batch = lineage_pb2.MetricBatch(series=[series])
            yield lineage_pb2.LogMetricsRequest(batch=batch)

    begun_at = time.perf_counter()
    await stub.LogMetrics(messages(), timeout=10 * _SECONDS)
    logging_seconds = time.perf_counter() - begun_at
    request = lineage_pb2.ListMetricsRequest(run_ref=run, key="loss", max_points=_SAMPLES)
    seconds = []
    for _time in range(_TIMES):
        begun_at = time.perf_counter()
        await stub.ListMetrics(request, timeout=_SECONDS)
        seconds.append(time.perf_counter() - begun_at)
    return {
        "points": int(count),
        "logging_seconds": logging_seconds,
        "sampling_seconds": statistics.median(seconds),
    }


async def seed(channel: aio.Channel) -> Figures:
    """Make the one version and the one run that a graph is grown from."""
    await _versions(channel, 1)
    await _run(lineage_pb2_grpc.LineageServiceStub(channel))
    return {}


async def walks(channel: aio.Channel) -> Figures:
    """Walk 5 hops down from some versions, each to 200 nodes; return the median of the times."""
    stub = lineage_pb2_grpc.LineageServiceStub(channel)
    seconds = []
    for turn in range(_WALKS):
        request = lineage_pb2.TraverseLineageRequest(
            roots=[f"local/{_PROJECT}/raw:v{turn % _ROOTS}"],
            direction=lineage_pb2.LINEAGE_DIRECTION_DOWNSTREAM,
            max_depth=5,
            max_nodes=_WALKED_NODES,
            page_size=_WALKED_NODES,
        )
        begun_at = time.perf_counter()
        response = await stub.TraverseLineage(request, timeout=_SECONDS)
        seconds.append(time.perf_counter() - begun_at)
        if len(response.nodes) != _WALKED_NODES:
            raise ValueError(f"a walk reached {len(response.nodes)} nodes")
    return {"walks": _WALKS, "walking_seconds": statistics.median(seconds)}


async def _versions(channel: aio.Channel, count: int = _VERSIONS) -> list[str]:
    stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
    refs = []
    for number in range(count):
        file = artifact_pb2.InlineFile(path="data.bin", content=str(number).encode())
        request = artifact_pb2.PutVersionRequest(
            entity="local", project=_PROJECT, collection="raw", type="dataset", files=[file]
        )
        refs.append((await stub.PutVersion(request, timeout=_SECONDS)).version.ref)
    return refs


async def _run(stub: lineage_pb2_grpc.LineageServiceAsyncStub) -> str:
    request = lineage_pb2.CreateRunRequest(entity="local", project=_PROJECT)
    return (await stub.CreateRun(request, timeout=_SECONDS)).run.ref


STEPS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "edges": edges,
    "metrics": metrics,
    "seed": seed,
    "walks": walks,
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
