"""How soon watchers know of a move of an alias, and what watchers cost who see nothing.

All watchers are in one process, each on its own connection, and moves do not overlap. What bare
gRPC takes to tell as many of nothing in the same way is measured beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import announced, server
from benchmarks.steps import Figures, step

_MODULE = "benchmarks.watch_step"
_BARE_MODULE = "benchmarks.bare_fan_out"


def watch(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Move an alias before 200 watchers; then let 500 wait for nothing."""
    with server(work / "store") as running:
        step(running, _MODULE, "fill", running.address)
        arguments = (running.address, str(scale.watchers), str(scale.timed_moves))
        told = step(running, _MODULE, "notify", *arguments)
        waits = [
            step(running, _MODULE, "idle", running.address, str(scale.idle_watchers), str(seconds))
            for seconds in (1, 1 + scale.idle_seconds)
        ]
    with announced([_BARE_MODULE, "serve"]) as bare:
        arguments = (bare.address, str(scale.watchers), str(scale.timed_moves))
        floor = step(bare, _BARE_MODULE, "notify", *arguments)
    yield from _told(f"alias move to {scale.watchers} watchers", told, bar="<= 50")
    yield from _told(f"bare gRPC to {scale.watchers} streams", floor)
    more = waits[1]["server_cpu_seconds"] - waits[0]["server_cpu_seconds"]
    share = 100 * max(0.0, more) / scale.idle_seconds
    name = f"{scale.idle_watchers} idle watchers"
    yield Measurement(f"{name}: server CPU", share, "% of a core", "", waits[1])
    mib = waits[1]["server_peak_bytes"] / 2**20
    yield Measurement(f"{name}: server memory", mib, "MiB", "<= 350", waits[1])


def _told(name: str, told: Figures, *, bar: str = "") -> Iterator[Measurement]:
    yield Measurement(f"{name}: p50", 1e3 * told["p50_seconds"], "ms", "", told)
    yield Measurement(f"{name}: p99", 1e3 * told["p99_seconds"], "ms", bar, told)
    for side in ("server", "client"):
        each = 1e6 * told[f"{side}_cpu_seconds"] / told["notifications"]
        yield Measurement(f"{name}: {side} CPU each", each, "us")
