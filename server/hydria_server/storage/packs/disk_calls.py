"""The system calls that decide what is durable, in one place where a test can make them fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from hydria_server.storage.packs.interface import Failpoint
from hydria_server.storage.packs.record import Buffer

if sys.platform == "darwin":
    import fcntl

    def _sync_file(descriptor: int) -> None:
        """Reach the disk itself: on a Mac, fsync stops at the drive's cache."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

    _sync_data = _sync_file
else:
    _sync_file = os.fsync
    _sync_data = os.fdatasync

P = ParamSpec("P")
T = TypeVar("T")


class SyncFailedError(Exception):
    """The kernel could not say that bytes are on the disk.

    It may have thrown them away and will answer "synced" when asked again, so nobody asks again.
    """


def free_bytes(directory: Path) -> int:
    """Return how many bytes of the file system of `directory` are free to us."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


@dataclass(frozen=True, slots=True)
class DiskCalls:
    """What a pack store asks of the kernel. The defaults are the real calls."""

    pwritev: Callable[[int, Sequence[Buffer], int], int] = os.pwritev
    pread: Callable[[int, int, int], bytes] = os.pread
    fdatasync: Callable[[int], None] = _sync_data
    fsync: Callable[[int], None] = _sync_file
    rename: Callable[[Path, Path], None] = os.rename
    free_bytes: Callable[[Path], int] = free_bytes

    def reporting(self, reached: Failpoint) -> DiskCalls:
        """Return the same calls, each of which tells `reached` that it was made.

        The steps are "disk.after_pwritev", "disk.after_fdatasync", "disk.after_fsync" and
        "disk.after_rename": between two of them nothing changes that could outlive the process.
        """
        return replace(
            self,
            pwritev=_reporting(self.pwritev, reached, "disk.after_pwritev"),
            fdatasync=_reporting(self.fdatasync, reached, "disk.after_fdatasync"),
            fsync=_reporting(self.fsync, reached, "disk.after_fsync"),
            rename=_reporting(self.rename, reached, "disk.after_rename"),
        )

    def sync_data(self, descriptor: int) -> None:
        """Make the bytes of a file, and its length, durable.

        Raises:
            SyncFailedError: they may not be.
        """
        _sync(self.fdatasync, descriptor)

    def sync_file(self, descriptor: int) -> None:
        """Make a file durable, as `sync_data`, with all that is known of it."""
        _sync(self.fsync, descriptor)

    def sync_directory(self, directory: Path) -> None:
        """Make the names in `directory` durable, as `sync_data`."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sync(self.fsync, descriptor)
        finally:
            os.close(descriptor)


def _sync(call: Callable[[int], None], descriptor: int) -> None:
    try:
        call(descriptor)
    except OSError as error:
        raise SyncFailedError(str(error)) from error


def _reporting(call: Callable[P, T], reached: Failpoint, step: str) -> Callable[P, T]:
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        result = call(*args, **kwargs)
        reached(step)
        return result

    return made
