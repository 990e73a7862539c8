"""What makes files survive a power cut, one at a time or many at once, and room for them."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Collection
from contextlib import suppress

_SYNC_FILE_RANGE_WRITE = 2
_KEEP_SIZE = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FEW = 8
# None where there is no such library to open, e.g. on Windows.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def sync_files(directory: str, files: Collection[str]) -> None:
    """Return when the bytes of `files`, all on the file system of `directory`, are on the disk.

    For many files one flush of the file system, where there is such a call, because a flush for
    each of many small ones takes a hundred times as long. For few a flush for each, because that
    of the file system waits for what all other programs have written, too.

    Raises:
        OSError: the disk failed; nothing can be said about the files.
    """
    if len(files) > _FEW and _sync_file_system(directory):
        return
    for file in files:
        _sync(file, os.O_RDWR)


def sync_directories(root: str, directories: Collection[str]) -> None:
    """Return when the names in `directories`, all under `root`, are on the disk.

    Raises:
        OSError: as `sync_files`.
    """
    if len(directories) > _FEW and _sync_file_system(root):
        return
    for directory in directories:
        _sync(directory, os.O_RDONLY)


def begin_to_write_out(fd: int) -> None:
    """Let the disk begin with what was written to `fd`, so that a later flush has less to do."""
    if _libc is not None:
        _libc.sync_file_range(
            fd, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE)
        )


def reserve(fd: int, size_bytes: int) -> None:
    """Have the disk find room for a large file before it is written, where it knows how.

    ext4 writes out a file at once, and lets everybody wait, when it takes another one's name and
    has no place on the disk yet: a file with room of its own is renamed in no time.

    Raises:
        OSError: there is no room.
    """
    allocate = getattr(_libc, "fallocate64", None)
    if allocate is None:
        return
    if allocate(fd, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size_bytes)) != 0:
        number = ctypes.get_errno()
        if number in _NO_ROOM:
            raise OSError(number, os.strerror(number))


def forget(fd: int, end: int) -> None:
    """Let the system take back the memory in which it keeps a file up to `end`, if it knows how.

    For what nobody reads again: memory that was just used is written to several times as fast as
    some that the system has to find first. From the beginning, because it gives back whole blocks
    only, and those may be as large as two calls' parts.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # advice, which not every file system takes
            os.posix_fadvise(fd, 0, end, os.POSIX_FADV_DONTNEED)


def ignores_case(directory: str) -> bool:
    """Tell whether a directory, whose name has letters, is found in capitals as well."""
    above, name = os.path.split(directory)
    return os.path.exists(os.path.join(above, name.swapcase()))  # noqa: PTH110, PTH118


def _sync_file_system(directory: str) -> bool:
    """Flush all of a file system, and tell whether that can be done here."""
    if _libc is None:
        return False
    fd = os.open(directory, os.O_RDONLY)
    try:
        if _libc.syncfs(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), directory)
    finally:
        os.close(fd)
    return True


def _sync(path: str, flags: int) -> None:
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
