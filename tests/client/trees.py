"""Local files for tests, and what is in a tree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.noise import noise

MIB = 1 << 20


def content(size_bytes: int, seed: int = 0) -> bytes:
    """Return bytes that no other seed gives."""
    return noise(size_bytes, seed)


def plant(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below `root`, and return it."""
    root.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root


def tree_of(root: Path) -> dict[str, bytes]:
    """Return all files below `root`."""
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


SIZES = {
    "empty": b"",
    "one byte": b"x",
    "exactly a chunk": content(2 * MIB, 1),
    "a chunk and a byte": content(2 * MIB + 1, 2),
    "deep/er/many chunks.bin": content(7 * MIB + 7, 3),
    "deep/zeros": bytes(5 * MIB),
} | {f"tiny/{number}": b"%d" % number for number in range(120)}
