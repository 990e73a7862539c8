"""Makes the data of the workloads: incompressible, and new for every round."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

MIB = 1024 * 1024
_BLOCK_BYTES = 4 * MIB


def random_blocks(size_bytes: int) -> Iterator[bytes]:
    """Yield random bytes that add up to the size; the system's own source is three times slower."""
    source = blake3(os.urandom(32))
    for at in range(0, size_bytes, _BLOCK_BYTES):
        yield source.digest(length=min(_BLOCK_BYTES, size_bytes - at), seek=at)


def write_file(path: Path, size_bytes: int) -> None:
    """Write a file of random bytes, and let them reach the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(random_blocks(size_bytes))
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


def linked_files(sources: Path, root: Path, paths: Iterable[str]) -> None:
    """Make files at `paths`: hard links to those under `sources`, by turns, in order of path."""
    files = sorted(source for source in sources.rglob("*") if source.is_file())
    made: set[Path] = set()
    for path, source in zip(paths, cycle(files), strict=False):
        target = root / path
        if target.parent not in made:
            target.parent.mkdir(parents=True)
            made.add(target.parent)
        target.hardlink_to(source)


def insert(source: Path, target: Path, *, count: int, inserted_bytes: int) -> None:
    """Copy a file with random bytes inserted at `count` places (seeded by the count)."""
    size = source.stat().st_size
    places = sorted(random.Random(count).sample(range(size), count))
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as old, target.open("wb") as new:
        for begin, end in zip([0, *places], [*places, size], strict=True):
            _copy(old, new, end - begin)
            if end < size:
                new.write(os.urandom(inserted_bytes))
        new.flush()
        os.fsync(new.fileno())


def overwrite_middle(path: Path, changed_bytes: int) -> None:
    """Put random bytes in the middle of a file; its size stays."""
    with path.open("r+b") as file:
        file.seek((path.stat().st_size - changed_bytes) // 2)
        file.write(os.urandom(changed_bytes))
        file.flush()
        os.fsync(file.fileno())


def _copy(old: BinaryIO, new: BinaryIO, size_bytes: int) -> None:
    while size_bytes:
        block = old.read(min(_BLOCK_BYTES, size_bytes))
        new.write(block)
        size_bytes -= len(block)
