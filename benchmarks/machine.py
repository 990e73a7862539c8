"""What a result must carry to be worth comparing: machine, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

_PACKAGES = ("hydria", "grpcio", "protobuf", "blake3", "xxhash", "pyfastcdc", "sqlalchemy")


def describe() -> dict[str, str | int | float]:
    """Return the facts of this run's surroundings, for every line of results."""
    facts: dict[str, str | int | float] = {
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "load_before": round(os.getloadavg()[0], 2),
    }
    for package in _PACKAGES:
        facts[package] = metadata.version(package)
    return facts


def _commit() -> str:
    here = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
