"""Small disks that tests fill up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(root: Path, *, size_bytes: int) -> Iterator[Path]:
    """Mount a small disk at `root`, which is made; skip the test where that is not allowed."""
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(root)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def fill(disk: Path, *, but_bytes: int = 0) -> Path:
    """Leave no more than that much room; return the file that takes the rest."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    size = status.f_bavail * status.f_frsize - but_bytes
    ballast.write_bytes(bytes(size))
    return ballast
