"""The files of the demo: a copy of this Python installation's own library."""

from __future__ import annotations

import os
import shutil
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from hydria.cli.text import count_text, seconds_text, size_text
from hydria.demo.words import require, say

LIBRARY_BYTES_MAX = 300_000_000

_FOREIGN_FOLDERS = frozenset(("site-packages", "dist-packages"))


def room_for(folder: Path) -> int:
    """Return how large the copy may be: it will lie there three times, beside a reserve."""
    return min(LIBRARY_BYTES_MAX, shutil.disk_usage(folder).free // 5)


def copy_library(target: Path, *, size_bytes_max: int) -> None:
    """Copy the standard library, and then installed packages, as far as there is room."""
    begun_at = time.monotonic()
    standard = Path(sysconfig.get_path("stdlib"))
    installed = Path(sysconfig.get_path("purelib"))
    file_count = copied_bytes = 0
    for source, skipped, below in (
        (standard, _FOREIGN_FOLDERS, target),
        (installed, frozenset[str](), target / "site-packages"),
    ):
        for file in files_under(source, skipped=skipped | {"__pycache__"}):
            name, size_bytes = file.relative_to(source), file.stat().st_size
            # Other names may be written in more than one way, and versions know one of them.
            if copied_bytes + size_bytes > size_bytes_max or not str(name).isascii():
                continue
            place = below / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            file_count, copied_bytes = file_count + 1, copied_bytes + size_bytes
    require(file_count > 0, f"there is nothing to copy from {standard}")
    took = seconds_text(time.monotonic() - begun_at)
    say("copied", f"{count_text(file_count, 'file')}, {size_text(copied_bytes)} in {took}")


def files_under(root: Path, *, skipped: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield the regular files below `root` that can be read, in a fixed order."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if name not in skipped)
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and os.access(path, os.R_OK):
                yield path


def change_files(library: Path) -> Iterator[str]:
    """Change a few files below `library`, and yield what was done."""
    modules = sorted(library.glob("*.py"))
    for module in modules[:3]:
        with module.open("a", encoding="utf-8") as stream:
            stream.write("# changed by the demo\n")
    yield "a line more in " + ", ".join(module.name for module in modules[:3])
    largest = max(files_under(library), key=lambda file: file.stat().st_size)
    data = largest.read_bytes()
    largest.write_bytes(data[: len(data) // 2] + b"inserted" + data[len(data) // 2 :])
    yield f"8 bytes inserted into {largest.name} ({size_text(len(data))})"
    removed = modules[3]
    removed.unlink()
    (library / "added by the demo.txt").write_text("a new file\n", encoding="utf-8")
    yield f"{removed.name} removed, a new file added"


def compare_trees(one: Path, other: Path) -> int:
    """Return how many files both trees have, all of them equal to the last byte.

    Raises:
        DemoFailedError: they differ.
    """
    names = {file.relative_to(one) for file in files_under(one)}
    others = {file.relative_to(other) for file in files_under(other)}
    require(names == others, f"only one side has {sorted(map(str, names ^ others))[:5]}")
    for name in sorted(names):
        require((one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs")
    return len(names)
