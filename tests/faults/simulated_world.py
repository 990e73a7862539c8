"""A whole server without its wire, on a simulated disk and a seeded loop: nothing is left to luck.

The services, the pack store and SQLite are the real ones. A history in it ends in the same state
whenever it is run again with the same seed.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from hydria_server.services.artifact import ArtifactServices, Limits, Stores, Threads
from hydria_server.services.hashing import Hashing
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from tests.faults.checker import problems_in
from tests.faults.seeded_loop import SeededLoop, StoppedHereError, threads_as_fibers
from tests.faults.service_registry import ServiceRegistry
from tests.faults.simulated_disk import SimulatedDisk, torn

T = TypeVar("T")

SEAL_BYTES = 20_000  # small, so that packs are sealed all the time
FIRST_MICROSECOND = 1_700_000_000_000_000


class End(Enum):
    """How a server may end."""

    STOP = "asked to stop"
    KILL = "kill -9"
    POWER = "power cut"


class CrashedError(Exception):
    """The server ended in the middle of what was asked of it."""


class SimulatedWorld:
    """One store below `directory`, and the server that runs on it, from crash to crash."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.source = random.Random(seed)
        self.fatal: list[BaseException] = []
        self.reached: Counter[str] = Counter()  # how often each failpoint
        self._directory = directory
        self._lives = 0
        self._clock_us = FIRST_MICROSECOND
        self._boot()

    # --- one life --------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The directory of the store as it is now."""
        return self._directory / f"life-{self._lives}"

    @property
    def steps(self) -> int:
        """How many steps the loop has taken in this life."""
        return self._loop.steps

    def _boot(self) -> None:
        _connect_once()
        self.fatal.clear()
        self.disk = SimulatedDisk(self.source)
        self._uncertain_from: int | None = None
        self._loop = SeededLoop(self.source)
        with self._determined():
            self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        (self.data / "packs").mkdir(parents=True, exist_ok=True)
        self.disk.remember_all(self.data / "packs")
        self._metadata = await SqlMetadataStore.open(
            self.data / "meta.db", on_fatal=self.fatal.append, failpoint=self._reached
        )
        self._packs = await DiskPackStore.open(
            self.data / "packs",
            seal_bytes=SEAL_BYTES,
            reserve_bytes=0,
            on_fatal=self.fatal.append,
            failpoint=self._reached,
            calls=self.disk.calls(),
        )
        info = await self._metadata.read(lambda rows: rows.store.info())
        self._threads = Threads(Hashing(), Hashing())
        self.services = ArtifactServices(
            Stores(self._packs, self._metadata, info), self._now_us, Limits(), self._threads
        )
        self.registry = ServiceRegistry.on(self._metadata, self._now_us)
        self._ingest = asyncio.create_task(self.services.ingest.run())

    @contextmanager
    def _determined(self) -> Iterator[None]:
        """Let no thread, clock or chance but the seed's decide, not even the names of packs."""
        chance = SimpleNamespace(randbits=self.source.getrandbits)
        clock = SimpleNamespace(time_ns=lambda: self._clock_us * 1000)
        with threads_as_fibers(), pytest.MonkeyPatch.context() as patch:
            patch.setattr("hydria_server.storage.packs.pack_id.secrets", chance)
            patch.setattr("hydria_server.storage.packs.pack_id.time", clock)
            yield

    def _now_us(self) -> int:
        """Return a time that runs, and now and then jumps back, as clocks do."""
        self._clock_us += self.source.choice((1, 1_000, 1_000_000, -500_000))
        return self._clock_us

    def _reached(self, step: str) -> None:
        """Note from where on the log of SQLite may be torn: what is not yet acknowledged."""
        self.reached[step] += 1
        if step == "metadata.before_commit":
            self._uncertain_from = self._log_bytes()
        elif step == "metadata.after_commit":
            self._uncertain_from = None

    def _log_bytes(self) -> int:
        log = self.data / "meta.db-wal"
        return log.stat().st_size if log.exists() else 0

    # --- what happens in it ----------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end."""
        with self._determined():
            return self._loop.run_until_complete(work)

    def run_until(self, step: int, end: End, work: Coroutine[Any, Any, T]) -> T:
        """Run `work`; after so many steps the server ends in that way, and a new one starts.

        Raises:
            CrashedError: that was before `work` was done.
        """
        self._loop.stop_at = self._loop.steps + step
        task = self._loop.create_task(work)
        try:
            with self._determined():
                return self._loop.run_until_complete(task)
        except StoppedHereError:
            task.cancel()  # before anything goes on: the dead answer nobody
            self.restart(end)
            raise CrashedError from None
        finally:
            self._loop.stop_at = None

    def restart(self, end: End) -> None:
        """End the server in that way, and start a new one on what is left."""
        survivors = self._directory / f"life-{self._lives + 1}"
        survivors.mkdir()
        if end is End.STOP:
            self._shut_down()
            shutil.copytree(self.data, survivors, dirs_exist_ok=True)
        else:
            self._crash(survivors, self.disk.lose_power if end is End.POWER else shutil.copytree)
            self._shut_down()
        shutil.rmtree(self.data)
        self._lives += 1
        problems = problems_in(self.data)
        assert problems == [], (end, problems)
        self._boot()

    def _crash(self, survivors: Path, copy: Callable[[Path, Path], object]) -> None:
        copy(self.data / "packs", survivors / "packs")
        shutil.copy(self.data / "meta.db", survivors)
        log = self.data / "meta.db-wal"
        if log.exists():
            content = log.read_bytes()
            if self._uncertain_from is not None and copy == self.disk.lose_power:
                content = torn(content, min(self._uncertain_from, len(content)), self.source)
            (survivors / log.name).write_bytes(content)

    def _shut_down(self) -> None:
        """Let go of what this life holds. After a crash, nobody looks at what that writes."""
        self.disk.heal()
        with self._determined():
            with suppress(RuntimeError):  # what ended in the very step of a crash stops the loop
                self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._packs.close()
        await self._metadata.close()
        self._threads.hashing.close()
        self._threads.merging.close()

    def close(self) -> None:
        """End it all."""
        self._shut_down()

    def problems(self) -> list[str]:
        """Return which promises the store breaks just now."""
        return problems_in(self.data)


@cache
def _connect_once() -> None:
    """Let the first life take the steps of all others: the first connection of a process asks more.

    For all of them share what SQLAlchemy learns of a database, and what it compiles.
    """

    async def connect() -> None:
        await (await SqlMetadataStore.open_in_memory()).close()

    asyncio.run(connect())
