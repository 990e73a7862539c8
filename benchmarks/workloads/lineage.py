"""Lineage: edges in batches, metrics on one stream and read sampled, walks in a large graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.graph_rows import grow
from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import server
from benchmarks.steps import Figures, step

_MODULE = "benchmarks.lineage_step"
_SMALL_GRAPH = 1_000


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


def walks(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Walk (TraverseLineage) 5 hops to 200 nodes in a large graph, against in one of 1,000."""
    small = _walks(work / "small", _SMALL_GRAPH)
    large = _walks(work / "large", scale.graph_nodes)
    name = f"walk of 200 nodes among {scale.graph_nodes:,} versions and as many runs"
    yield Measurement(name, 1e3 * large["walking_seconds"], "ms", "<= 20", large)
    slower = large["walking_seconds"] / small["walking_seconds"]
    figures = {"small_seconds": small["walking_seconds"]}
    yield Measurement("walk: against a graph of 1,000", slower, "x", "<= 2", figures)


def _walks(store: Path, count: int) -> Figures:
    with server(store) as running:
        step(running, _MODULE, "seed", running.address)
    grow(store / "meta.db", count)
    with server(store) as running:
        return step(running, _MODULE, "walks", running.address)
