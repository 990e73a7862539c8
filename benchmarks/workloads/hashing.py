"""What one thread can hash and cut, whatever the disk and the wire do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import run_step


def checksums(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Checksums and content-defined cutting of 256 MiB in memory, on one thread."""
    for name, rate in run_step("benchmarks.hashing_step", str(scale.hashed_bytes)).items():
        yield Measurement(name, rate, "GB/s")
