"""How a step tells the harness what it took. Needs the standard library only: peers use it too."""

from __future__ import annotations

import json
import resource
from collections.abc import Mapping
from pathlib import Path


def print_measured(seconds: float, cpu_seconds: float, figures: Mapping[str, float]) -> None:
    """Print the step's time, processor time, peak memory and figures as one JSON object."""
    measured = {
        "seconds": seconds,
        "client_cpu_seconds": cpu_seconds,
        "client_peak_bytes": peak_memory_bytes("self"),
        **figures,
    }
    print(json.dumps(measured))


def peak_memory_bytes(process: int | str) -> int:
    """Return the most memory that a process had resident.

    `ru_maxrss` is for systems without `/proc` only: a process inherits it from the one that
    started it.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if process == "self" else 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
