"""Runs rounds of a workload, prints their medians, and keeps them as JSON lines."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measurements import Measurement, Scale, Workload

RESULTS = Path(__file__).parent / "results"


def run_rounds(
    workload: Workload, scale: Scale, *, count: int, work: Path | None
) -> list[list[Measurement]]:
    """Run a workload so often, each time in a new directory, which is removed."""
    return [_round(workload, scale, work) for _number in range(count)]


def _round(workload: Workload, scale: Scale, work: Path | None) -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="hydria-bench-", dir=work) as directory:
        measured = []
        for measurement in workload(Path(directory), scale):
            print(f"  {measurement.name}: {measurement.value:.3f}", file=sys.stderr)
            measured.append(measurement)
        return measured


def record(
    name: str,
    rounds: Sequence[Sequence[Measurement]],
    *,
    facts: Mapping[str, str | int | float],
    results: Path | None,
) -> None:
    """Print the medians of a workload; add them to its file in `results`, if that is given.

    A measurement that a round lacks, because a peer failed in it, has the values of the others.
    """
    facts = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
    print(f"\n{name} (median of {len(rounds)}; commit {facts['commit']})")
    lines = []
    by_name: dict[str, list[Measurement]] = {}
    for measurement in (one for measured in rounds for one in measured):
        by_name.setdefault(measurement.name, []).append(measurement)
    for same in by_name.values():
        values = sorted(measurement.value for measurement in same)
        median = statistics.median(values)
        first = same[0]
        spread = f"{values[0]:.4g} .. {values[-1]:.4g}"
        print(f"  {first.name:42} {median:>12.4g} {first.unit:14} {first.bar:10} {spread}")
        figures = [dict(measurement.figures) for measurement in same]
        row = {"workload": name, "name": first.name, "median": median, "values": values}
        lines.append({**row, "unit": first.unit, "bar": first.bar, "figures": figures, **facts})
    if results is not None:
        results.mkdir(exist_ok=True)
        with (results / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
