"""Runs named workloads, prints a table, and writes one JSON line per measurement."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import machine
from benchmarks.measurements import FULL, QUICK
from benchmarks.recording import RESULTS, record, run_rounds
from benchmarks.workloads.registry import ROUNDS_MAX, WORKLOADS


def main() -> None:
    """Parse the flags, run, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"some of {', '.join(WORKLOADS)}; or all")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many (default 3)")
    parser.add_argument("--quick", action="store_true", help="small data: tries the harness only")
    parser.add_argument("--work", type=Path, help="where the data goes (default: a temporary one)")
    flags = parser.parse_args()
    if flags.rounds < 1:
        parser.error("--rounds is at least 1")
    names = flags.workloads or list(WORKLOADS)
    for name in names:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name!r}")
    scale = QUICK if flags.quick else FULL
    results = None if flags.quick else RESULTS  # what is quick says nothing
    for name in names:
        facts = machine.describe()
        count = min(flags.rounds, ROUNDS_MAX.get(name, flags.rounds))
        rounds = run_rounds(WORKLOADS[name], scale, count=count, work=flags.work)
        record(name, rounds, facts=facts, results=results)


if __name__ == "__main__":
    main()
