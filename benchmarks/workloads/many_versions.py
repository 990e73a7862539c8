"""Small calls beside many versions: commits, and finding a version by its alias."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import run_steps, server
from benchmarks.steps import Figures, step

_MODULE = "benchmarks.small_calls_step"
_CALLERS_PER_PROCESS = 8
_PROCESSES = 2


def commits(work: Path, scale: Scale) -> Iterator[Measurement]:
    """One small version after the other (PutVersion) beside 10 versions and beside 10,000."""
    few, many = str(scale.few_versions), str(scale.many_versions)
    with server(work / "store") as running:
        filled = step(running, _MODULE, "fill", running.address, "many", many)
        step(running, _MODULE, "fill", running.address, "few", few)
        timed = step(running, _MODULE, "commit", running.address, str(scale.timed_commits))
    rate = scale.many_versions / filled["seconds"]
    yield Measurement("16 callers together: commits", rate, "/s", "", filled)
    for name in ("few", "many"):
        beside = scale.few_versions if name == "few" else scale.many_versions
        milliseconds = 1e3 * timed[f"{name}_seconds"]
        yield Measurement(f"commit beside {beside:,}: p50", milliseconds, "ms", "", timed)
    slowdown = timed["many_seconds"] / timed["few_seconds"]
    yield Measurement("commit beside many / few", slowdown, "x", "<= 1.5", timed)
    for side in ("server", "client"):
        each = 1e3 * timed[f"{side}_cpu_seconds"] / (2 * scale.timed_commits)
        yield Measurement(f"commit: {side} CPU", each, "ms")


def resolve(work: Path, scale: Scale) -> Iterator[Measurement]:
    """GetVersion by alias: one caller, then 16 of them beside 16 that call an empty RPC."""
    with server(work / "store") as running:
        arguments = (running.address, str(scale.timed_calls))
        step(running, _MODULE, "fill", running.address, "few", str(scale.few_versions))
        alone = step(running, _MODULE, "resolve", *arguments, "1")
        together: dict[str, Figures] = {}
        for call in ("empty", "resolve"):
            cpu = running.cpu_seconds()
            each = [(call, *arguments, str(_CALLERS_PER_PROCESS))] * _PROCESSES
            measured = run_steps(_MODULE, each)
            together[call] = {
                "calls_per_second": sum(one["calls_per_second"] for one in measured),
                "server_cpu_seconds": running.cpu_seconds() - cpu,
                "calls": sum(one["calls"] for one in measured),
            }
    yield Measurement("one caller: p50", 1e3 * alone["p50_seconds"], "ms", "<= 2", alone)
    for call, name in (("resolve", "GetVersion"), ("empty", "empty RPC")):
        figures = together[call]
        rate = figures["calls_per_second"]
        yield Measurement(f"{name}, 16 callers", rate, "calls/s", "", figures)
        each_ms = 1e3 * figures["server_cpu_seconds"] / figures["calls"]
        yield Measurement(f"{name}, 16 callers: server CPU", each_ms, "ms", "", figures)
    share = together["resolve"]["calls_per_second"] / together["empty"]["calls_per_second"]
    yield Measurement("GetVersion / empty RPC", share, "x", ">= 0.25")
