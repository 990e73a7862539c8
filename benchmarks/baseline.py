"""What the same disk does without us: `cp`, and `cp` followed by `sync`."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path


def copy_seconds(source: Path, target: Path, *, synced: bool) -> float:
    """Return how long `cp -r` takes, with `sync` of the copy where asked; the copy is removed."""
    started = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    if synced:
        subprocess.run(["sync"], check=True)
    seconds = time.perf_counter() - started
    subprocess.run(["rm", "-rf", str(target)], check=True)
    settle()
    return seconds


def settle() -> None:
    """Let the disk finish what it has, so that the next measurement does not pay for it."""
    subprocess.run(["sync"], check=True)
