"""Searches by generated stubs, timed one by one, in a process of its own.

`python -m benchmarks.search_step fill DATA ENTITY COUNT` (no server runs on DATA then),
`... search ADDRESS COUNT` (in the entities `few` and `many`, in turn).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

from grpc import aio

from benchmarks.own_use import print_measured
from hydria.v1 import registry_pb2, registry_pb2_grpc
from hydria_server.domain.records import NewVersion
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore

MATCHING = 10
FILTERS = {
    "metadata": "metadata.eval.accuracy >= 2 AND metadata.framework = torch",
    "tag": "tag:rare AND metadata.framework = torch",
    "size": "size_bytes > 1000 AND NOT tag:broken",
}
_PROJECTS = 10
_TOGETHER = 1_000
_CALL_SECONDS = 120.0
_WARM_UP = 5

Figures = dict[str, float]


async def fill(data: str, entity: str, count: str) -> Figures:
    """Write the rows of so many versions, of which ten are what the filters look for.

    They go into the database that no server has open, thousands in a transaction: through the wire
    they would take hours on a disk that syncs slowly. They have no content, which searches do not
    read.
    """
    store = await SqlMetadataStore.open(Path(data) / "meta.db")
    total = int(count)
    sought = {at * total // MATCHING + total // (2 * MATCHING) for at in range(MATCHING)}
    try:
        collections = await store.write(lambda rows: _make_collections(rows, entity))
        for first in range(0, total, _TOGETHER):
            numbers = range(first, min(first + _TOGETHER, total))
            await store.write(partial(_insert, collections, numbers, sought))
    finally:
        await store.close()
    return {"versions": total}


async def _make_collections(rows: Rows, entity: str) -> list[int]:
    owner = await rows.names.ensure_entity(entity, now_us=1)
    made = []
    for number in range(_PROJECTS):
        project_id = await rows.names.create_project(owner.id, f"project-{number}", now_us=1)
        made.append(await rows.names.create_collection(project_id, "models", "model", now_us=1))
    return made


async def _insert(
    collections: Sequence[int], numbers: Iterable[int], sought: Collection[int], rows: Rows
) -> None:
    for number in numbers:
        is_sought = number in sought
        metadata = {
            "framework": "torch",
            "run": number,
            "eval": {"accuracy": 2 if is_sought else number % 1000 / 1000},
            "labels": ["cat", "dog", f"kind-{number % 50}"],
        }
        version = NewVersion(
            collection_id=collections[number % _PROJECTS],
            number=number // _PROJECTS,
            digest=number.to_bytes(32, "big"),
            file_count=1,
            size_bytes=2000 if is_sought else 8,
            description="",
            metadata_json=json.dumps(metadata),
            tags=("rare" if is_sought else "common",),
            upload_id="",
            created_at_us=number,
        )
        await rows.versions.insert(version, ())


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


async def main(step: str, place: str, *arguments: str) -> None:
    """Run the step and print what it measured."""
    cpu, begun_at = time.process_time(), time.perf_counter()
    if step == "fill":
        figures = await fill(place, *arguments)
    else:
        async with aio.insecure_channel(place) as channel:
            await channel.channel_ready()
            figures = await search(channel, *arguments)
    print_measured(time.perf_counter() - begun_at, time.process_time() - cpu, figures)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
