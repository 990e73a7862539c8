"""Searches that match ten versions, beside few others and beside many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import run_step, server
from benchmarks.search_step import FILTERS
from benchmarks.steps import step

_MODULE = "benchmarks.search_step"


def search(work: Path, scale: Scale) -> Iterator[Measurement]:
    """The first page of what ten versions match: among 1,000 of an entity and among 100,000."""
    few, many = scale.searched_few, scale.searched_many
    data = work / "store"
    data.mkdir()
    run_step(_MODULE, "fill", str(data), "few", str(few))
    filled = run_step(_MODULE, "fill", str(data), "many", str(many))
    with server(data) as running:
        timed = step(running, _MODULE, "search", running.address, str(scale.timed_searches))
    yield Measurement(
        "rows written, with metadata", many / filled["seconds"], "versions/s", "", filled
    )
    for name in FILTERS:
        beside = {"few": few, "many": many}
        for entity, count in beside.items():
            milliseconds = 1e3 * timed[f"{name}_{entity}_seconds"]
            yield Measurement(f"by {name} among {count:,}: p50", milliseconds, "ms", "", timed)
        slowdown = timed[f"{name}_many_seconds"] / timed[f"{name}_few_seconds"]
        yield Measurement(f"by {name}: among many / few", slowdown, "x", "<= 3", timed)
    each = 1e3 * timed["server_cpu_seconds"] / (2 * len(FILTERS) * scale.timed_searches)
    yield Measurement("a search: server CPU", each, "ms")
