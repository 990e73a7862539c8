"""Hydria itself, measured the way its peers are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import steps
from benchmarks.processes import ServerProcess, server


class OurDeployment:
    """A server and clients, each a process of its own."""

    def __init__(self, running: ServerProcess, work: Path) -> None:
        self._running = running
        self._work = work

    def up(self, source: Path) -> Mapping[str, float]:
        return steps.put(self._running, source, self._work / "cache")

    def down(self, target: Path) -> Mapping[str, float]:
        return steps.get(self._running, target, self._work / "cache-of-reader")


class Ours:
    """Hydria over gRPC on loopback: synced before it is acknowledged, verified both ways."""

    name = "Hydria"

    @contextmanager
    def deploy(self, work: Path) -> Iterator[OurDeployment]:
        with server(work / "store") as running:
            yield OurDeployment(running, work)
