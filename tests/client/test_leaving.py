"""Large files that were replaced give their room back beside whoever replaced them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hydria.download.leaving import Leaving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems are not told")


def open_names(directory: Path) -> list[str]:
    """Return the names below a directory of which this process has a file open."""
    targets = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the directory that is listed
            targets.append(str(link.readlink()))
    return [target for target in targets if target.startswith(f"{directory}/")]


def replaced(directory: Path, leaving: Leaving, *, size_bytes: int) -> Path:
    """Replace a file of that size by way of `leaving`."""
    old, new = directory / "old", directory / "new"
    old.touch()
    os.truncate(old, size_bytes)
    new.write_bytes(b"new")
    leaving.hold(str(old), size_bytes)
    new.replace(old)
    return old


def test_a_large_file_keeps_its_room_until_it_is_let_go(tmp_path: Path) -> None:
    leaving = Leaving()

    place = replaced(tmp_path, leaving, size_bytes=100 << 20)

    assert place.read_bytes() == b"new"
    assert open_names(tmp_path) == [f"{place} (deleted)"]
    leaving.let_go()
    leaving.wait()
    assert not open_names(tmp_path)


def test_a_small_file_gives_its_room_back_at_once(tmp_path: Path) -> None:
    leaving = Leaving()

    replaced(tmp_path, leaving, size_bytes=1 << 20)

    assert not open_names(tmp_path)


def test_what_is_no_file_any_more_is_left_alone(tmp_path: Path) -> None:
    leaving = Leaving()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")

    for name in ("pipe", "link", "nothing", "."):
        leaving.hold(str(tmp_path / name), 100 << 20)

    assert not open_names(tmp_path)
    leaving.let_go()
    leaving.wait()


def test_of_many_files_some_are_held(tmp_path: Path) -> None:
    leaving = Leaving()
    for number in range(100):
        (tmp_path / str(number)).touch()
        os.truncate(tmp_path / str(number), 100 << 20)
        leaving.hold(str(tmp_path / str(number)), 100 << 20)

    assert 0 < len(open_names(tmp_path)) < 100, "a process may have few files open"
    leaving.let_go()
    leaving.wait()
    assert not open_names(tmp_path)
