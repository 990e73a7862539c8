"""Makes the data of the workloads: incompressible, seeded, new for every round."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import BinaryIO

MIB = 1024 * 1024
_BLOCK_BYTES = 4 * MIB


def write_file(path: Path, size_bytes: int) -> None:
    """Write a file of random bytes, and let them reach the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for at in range(0, size_bytes, _BLOCK_BYTES):
            file.write(os.urandom(min(_BLOCK_BYTES, size_bytes - at)))
        file.flush()
        os.fsync(file.fileno())


def write_many(root: Path, count: int, size_bytes: int) -> None:
    """Write `count` files of random bytes into folders of 1,000."""
    for index in range(count):
        folder = root / f"{index // 1000:04d}"
        if index % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{index:07d}.bin").write_bytes(os.urandom(size_bytes))
    os.sync()


def insert(source: Path, target: Path, *, count: int, inserted_bytes: int) -> None:
    """Copy a file with random bytes inserted at `count` places (seeded by the count)."""
    size = source.stat().st_size
    places = sorted(random.Random(count).sample(range(size), count))
    with source.open("rb") as old, target.open("wb") as new:
        for begin, end in zip([0, *places], [*places, size], strict=True):
            _copy(old, new, end - begin)
            if end < size:
                new.write(os.urandom(inserted_bytes))
        new.flush()
        os.fsync(new.fileno())


def _copy(old: BinaryIO, new: BinaryIO, size_bytes: int) -> None:
    while size_bytes:
        block = old.read(min(_BLOCK_BYTES, size_bytes))
        new.write(block)
        size_bytes -= len(block)
