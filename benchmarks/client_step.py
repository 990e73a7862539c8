"""One step of a workload by the Python client, in a process of its own.

`python -m benchmarks.client_step ADDRESS CACHE STEP ...`, where STEP is one of
`put NAME PATH`, `get REF ROOT`, `sample REF ROOT PATH...`, `list REF`, `read REF PATH ROUNDS`,
`draft NAME BASE COUNT`, `verify REF [ROOT]`, `diff REF REF`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.own_use import print_measured
from hydria import AsyncClient, FileChange

Figures = dict[str, float]


async def _put(client: AsyncClient, name: str, path: str) -> Figures:
    logged = await client.log(name, path, type="dataset")
    return {"sent_bytes": logged.sent_bytes, "created": int(logged.created)}


async def _get(client: AsyncClient, ref: str, root: str) -> Figures:
    found = await client.download(ref, root)
    return {"received_bytes": found.received_bytes, "files": found.file_count}


async def _sample(client: AsyncClient, ref: str, root: str, *paths: str) -> Figures:
    found = await client.download(ref, root, paths=paths)
    return {"files": found.file_count}


async def _list(client: AsyncClient, ref: str) -> Figures:
    count = 0
    async for _file in client.files(ref):
        count += 1
    return {"files": count}


async def _read(client: AsyncClient, ref: str, path: str, rounds: str) -> Figures:
    seconds = []
    for _round in range(int(rounds)):
        begun_at = time.perf_counter()
        await client.read(ref, path)
        seconds.append(time.perf_counter() - begun_at)
    return {"read_seconds": statistics.median(seconds)}


async def _draft(client: AsyncClient, name: str, base: str, count: str) -> Figures:
    async with client.draft(name, base=base) as draft:
        for index in range(int(count)):
            await draft.add_bytes(f"changed/{index:03d}.bin", os.urandom(1024))
        done = await draft.commit()
    return {"sent_bytes": done.sent_bytes, "files": done.version.file_count}


async def _verify(client: AsyncClient, ref: str, root: str | None = None) -> Figures:
    found = await client.verify(ref, root=root)
    assert found.is_intact
    return {"files": found.file_count}


async def _diff(client: AsyncClient, from_ref: str, to_ref: str) -> Figures:
    count = 0

    def take(_: FileChange) -> None:
        nonlocal count
        count += 1

    found = await client.diff(from_ref, to_ref, take=take)
    return {"differences": count, "unchanged": found.totals.unchanged_count}


STEPS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "put": _put,
    "get": _get,
    "sample": _sample,
    "list": _list,
    "read": _read,
    "draft": _draft,
    "verify": _verify,
    "diff": _diff,
}


async def main(address: str, cache: str, step: str, *arguments: str) -> None:
    """Run the step and print what it measured as one JSON object."""
    async with AsyncClient(address, cache_dir=Path(cache)) as client:
        await client.ping()
        cpu, begun_at = time.process_time(), time.perf_counter()
        figures = await STEPS[step](client, *arguments)
        seconds = time.perf_counter() - begun_at
        print_measured(seconds, time.process_time() - cpu, figures)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
