"""Runs named workloads, prints a table, and writes one JSON line per measurement."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.workloads import QUICK, WORKLOADS, Measurement, Scale

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Parse the flags, run, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"some of {', '.join(WORKLOADS)}; or all")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many (default 3)")
    parser.add_argument("--quick", action="store_true", help="small data: tries the harness only")
    parser.add_argument("--work", type=Path, help="where the data goes (default: a temporary one)")
    flags = parser.parse_args()
    names = flags.workloads or list(WORKLOADS)
    for name in names:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name!r}")
    scale = QUICK if flags.quick else Scale()
    for name in names:
        rounds = [_round(name, scale, flags.work) for _ in range(flags.rounds)]
        _report(name, rounds, quick=flags.quick)


def _round(name: str, scale: Scale, work: Path | None) -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="hydria-bench-", dir=work) as directory:
        measured = []
        for measurement in WORKLOADS[name](Path(directory), scale):
            print(f"  {measurement.name}: {measurement.value:.3f}", file=sys.stderr)
            measured.append(measurement)
        return measured


def _report(name: str, rounds: Sequence[Sequence[Measurement]], *, quick: bool) -> None:
    facts = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **machine.describe()}
    print(f"\n{name} (median of {len(rounds)}; commit {facts['commit']})")
    lines = []
    for same in zip(*rounds, strict=True):
        values = sorted(measurement.value for measurement in same)
        median = statistics.median(values)
        first = same[0]
        spread = f"{values[0]:.4g} .. {values[-1]:.4g}"
        print(f"  {first.name:42} {median:>12.4g} {first.unit:14} {first.bar:10} {spread}")
        figures = [dict(measurement.figures) for measurement in same]
        row = {"workload": name, "name": first.name, "median": median, "values": values}
        lines.append({**row, "unit": first.unit, "bar": first.bar, "figures": figures, **facts})
    if quick:
        return  # its numbers say nothing
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as results:
        results.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
