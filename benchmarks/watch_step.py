"""Watchers by the client's own `watch`, in a process of its own, each on its own connection.

`python -m benchmarks.watch_step fill ADDRESS`, `... notify ADDRESS WATCHERS MOVES`,
`... idle ADDRESS WATCHERS SECONDS`.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from benchmarks.own_use import print_measured
from hydria.client import AsyncClient
from hydria.history_records import Event
from hydria.watching import Watch

_COLLECTION = "bench/watched"
Figures = dict[str, float]


async def notify(client: AsyncClient, watchers: str, moves: str) -> Figures:
    """Move an alias again and again; return how long it took until watchers knew.

    A move begins once all watchers know of the one before and wait again: moves do not overlap.
    """
    seconds: list[float] = []
    async with AsyncExitStack() as stack:
        audience = _Audience(await _watches(client, int(watchers), stack))
        # One pause of this process would hold up all watchers: those of a fleet are not together.
        gc.collect()
        gc.freeze()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(audience.listen(watch)) for watch in audience.watches]
            for number in range(int(moves)):
                seconds += await audience.tell(client, f"{_COLLECTION}:v{number % 2}")
            for task in tasks:
                task.cancel()
    ranks = statistics.quantiles(seconds, n=100)
    return {"p50_seconds": ranks[49], "p99_seconds": ranks[98], "notifications": len(seconds)}


class _Audience:
    """Watchers that note when they are told, each a task that iterates over its watch."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.watches = watches
        self._told_at: list[float] = []
        self._all_told = asyncio.Event()

    async def listen(self, watch: Watch) -> None:
        """Note when each event comes."""
        async for item in watch:
            self._told_at.append(time.perf_counter())
            assert isinstance(item, Event)
            if len(self._told_at) == len(self.watches):
                self._all_told.set()

    async def tell(self, client: AsyncClient, ref: str) -> list[float]:
        """Move the alias; return after how many seconds each watcher knew."""
        self._told_at.clear()
        self._all_told.clear()
        begun_at = time.perf_counter()
        await client.set_aliases(ref, ["production"])
        await self._all_told.wait()
        return [told_at - begun_at for told_at in self._told_at]


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
