"""Lineage: edges recorded in batches, metrics logged on one stream and read sampled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import server
from benchmarks.steps import step

_MODULE = "benchmarks.lineage_step"


def lineage(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Record edges (RecordLineage), log one metric (LogMetrics), read it sampled (ListMetrics)."""
    with server(work / "store") as running:
        recorded = step(running, _MODULE, "edges", running.address, str(scale.edges))
        logged = step(running, _MODULE, "metrics", running.address, str(scale.metric_points))
    rate = recorded["edges"] / recorded["recording_seconds"]
    yield Measurement("edges in batches", rate, "/s", ">= 5000", recorded)
    rate = logged["points"] / logged["logging_seconds"]
    yield Measurement("metrics on one stream", rate, "points/s", ">= 20000", logged)
    milliseconds = 1e3 * logged["sampling_seconds"]
    name = f"history of {scale.metric_points:,} points, sampled to 1,000"
    yield Measurement(name, milliseconds, "ms", "<= 200", logged)
