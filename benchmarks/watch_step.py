"""Watchers by the client's own `watch`, in a process of its own, each on its own connection.

`python -m benchmarks.watch_step fill ADDRESS`, `... notify ADDRESS WATCHERS MOVES`,
`... idle ADDRESS WATCHERS SECONDS`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from benchmarks.own_use import print_measured
from hydria.client import AsyncClient
from hydria.history_records import Event
from hydria.watching import Watch

_COLLECTION = "bench/watched"
Figures = dict[str, float]


async def notify(client: AsyncClient, watchers: str, moves: str) -> Figures:
    """Move an alias again and again; return how long it took until watchers knew."""
    seconds: list[float] = []
    async with AsyncExitStack() as stack:
        watches = await _watches(client, int(watchers), stack)
        for number in range(int(moves)):
            begun_at = time.perf_counter()
            told = [asyncio.create_task(_told(watch, begun_at)) for watch in watches]
            await client.set_aliases(f"{_COLLECTION}:v{number % 2}", ["production"])
            seconds += await asyncio.gather(*told)
    ranks = statistics.quantiles(seconds, n=100)
    return {"p50_seconds": ranks[49], "p99_seconds": ranks[98], "notifications": len(seconds)}


async def idle(client: AsyncClient, watchers: str, seconds: str) -> Figures:
    """Watch, and see nothing happen."""
    async with AsyncExitStack() as stack:
        await _watches(client, int(watchers), stack)
        await asyncio.sleep(float(seconds))
    return {"watchers": int(watchers)}


async def _watches(client: AsyncClient, count: int, stack: AsyncExitStack) -> list[Watch]:
    """Return so many watches that have begun."""
    watches = [
        await stack.enter_async_context(
            client.watch(
                f"local/{_COLLECTION}", aliases=["production"], types=["alias_set"], snapshot=True
            )
        )
        for _ in range(count)
    ]
    await asyncio.gather(*(anext(watch) for watch in watches))
    return watches


async def _told(watch: Watch, begun_at: float) -> float:
    item = await anext(watch)
    assert isinstance(item, Event)
    return time.perf_counter() - begun_at


async def fill(client: AsyncClient) -> Figures:
    """Make two versions."""
    for number in range(2):
        async with client.draft(_COLLECTION, type="model") as draft:
            await draft.add_bytes("data.bin", bytes([number]))
            await draft.commit()
    return {"versions": 2}


STEPS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "fill": fill,
    "notify": notify,
    "idle": idle,
}


async def main(step: str, address: str, *arguments: str) -> None:
    """Run the step and print what it measured."""
    async with AsyncClient(address, entity="local") as client:
        cpu, begun_at = time.process_time(), time.perf_counter()
        figures = await STEPS[step](client, *arguments)
        seconds = time.perf_counter() - begun_at
        print_measured(seconds, time.process_time() - cpu, figures)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
