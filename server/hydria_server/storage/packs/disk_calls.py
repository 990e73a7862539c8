"""The system calls that decide what is durable, in one place where a test can make them fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    free_bytes: Callable[[Path], int] = free_bytes

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
