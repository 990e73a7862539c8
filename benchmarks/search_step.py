"""Searches by generated stubs, timed one by one, in a process of its own.

`python -m benchmarks.search_step fill ADDRESS ENTITY COUNT`,
`... search ADDRESS COUNT` (in the entities `few` and `many`, in turn).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from grpc import aio

from benchmarks.own_use import print_measured
from hydria.v1 import artifact_pb2, artifact_pb2_grpc, registry_pb2, registry_pb2_grpc

MATCHING = 10
FILTERS = {
    "metadata": "metadata.eval.accuracy >= 2 AND metadata.framework = torch",
    "tag": "tag:rare AND metadata.framework = torch",
    "size": "size_bytes > 1000 AND NOT tag:broken",
}
_PROJECTS = 10
_WRITERS = 16
_CALL_SECONDS = 120.0
_WARM_UP = 5

Figures = dict[str, float]


async def fill(channel: aio.Channel, entity: str, count: str) -> Figures:
    """Make so many versions in some projects, of which ten are what the filters look for."""
    stub: artifact_pb2_grpc.ArtifactServiceAsyncStub
    stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
    total = int(count)
    sought = {at * total // MATCHING + total // (2 * MATCHING) for at in range(MATCHING)}
    numbers = iter(range(total))

    async def writer() -> None:
        for number in numbers:
            request = _version(entity, number, is_sought=number in sought)
            await stub.PutVersion(request, timeout=_CALL_SECONDS)

    async with asyncio.TaskGroup() as group:
        for _writer in range(_WRITERS):
            group.create_task(writer())
    return {"versions": total}


def _version(entity: str, number: int, *, is_sought: bool) -> artifact_pb2.PutVersionRequest:
    """Return a version like all others, or one that differs in what filters look for."""
    metadata = {
        "framework": "torch",
        "run": number,
        "eval": {"accuracy": 2 if is_sought else number % 1000 / 1000},
        "labels": ["cat", "dog", f"kind-{number % 50}"],
    }
    content = number.to_bytes(8, "big") + bytes(2000 if is_sought else 0)
    return artifact_pb2.PutVersionRequest(
        entity=entity,
        project=f"project-{number % _PROJECTS}",
        collection="models",
        type="model",
        files=[artifact_pb2.InlineFile(path="data.bin", content=content)],
        metadata_json=json.dumps(metadata),
        tags=["rare" if is_sought else "common"],
    )


async def search(channel: aio.Channel, count: str) -> Figures:
    """Ask for the first page of each search, in the entity with few versions and with many."""
    stub: registry_pb2_grpc.RegistryServiceAsyncStub
    stub = registry_pb2_grpc.RegistryServiceStub(channel)
    seconds: dict[str, list[float]] = {}
    for round_ in range(_WARM_UP + int(count)):
        for name, filter_ in FILTERS.items():
            for entity in ("few", "many"):
                request = registry_pb2.SearchVersionsRequest(entity=entity, filter=filter_)
                begun_at = time.perf_counter()
                page = await stub.SearchVersions(request, timeout=_CALL_SECONDS)
                took = time.perf_counter() - begun_at
                if not 0 < len(page.versions) <= MATCHING:
                    raise RuntimeError(f"{filter_} found {len(page.versions)} versions")
                if round_ >= _WARM_UP:
                    seconds.setdefault(f"{name}_{entity}_seconds", []).append(took)
    return {name: statistics.median(each) for name, each in seconds.items()}


STEPS: dict[str, Callable[..., Awaitable[Figures]]] = {"fill": fill, "search": search}


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
