"""Measures Hydria beside its peers, in the same rounds and on the same data."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import machine
from benchmarks.measurements import FULL, QUICK
from benchmarks.peers.comparison import compare
from benchmarks.recording import RESULTS, record, run_rounds


def main() -> None:
    """Parse the flags, run, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many (default 3)")
    parser.add_argument("--quick", action="store_true", help="small data: tries the harness only")
    parser.add_argument("--work", type=Path, help="where the data goes (default: a temporary one)")
    flags = parser.parse_args()
    if flags.rounds < 1:
        parser.error("--rounds is at least 1")
    scale = QUICK if flags.quick else FULL
    facts = machine.describe()
    rounds = run_rounds(compare, scale, count=flags.rounds, work=flags.work)
    record("peers", rounds, facts=facts, results=None if flags.quick else RESULTS)


if __name__ == "__main__":
    main()
