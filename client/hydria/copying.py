"""Verified copies of local files, which share the bytes on the disk where it can do that."""

from __future__ import annotations

import fcntl
import os
import stat
import struct

from blake3 import blake3

from hydria.threads import Stop

# _IOW(0x94, 9, int) on x86 and ARM. Where it is another number, bytes are copied.
_FICLONE = 0x40049409
_FICLONERANGE = 0x4020940D  # _IOW(0x94, 13, four numbers of 64 bits)
BLOCK_BYTES = 4096
"""Whole blocks of so many bytes can be shared, and on some file systems only larger ones."""
_BUFFER_BYTES = 1 << 20


class SourceLostError(Exception):
    """A local file has not what it was said to have. It never leaves the library."""


def open_regular(local: str) -> int:
    """Return a descriptor of a regular file, for reading.

    Raises:
        OSError: there is none.
    """
    # Non-blocking: a pipe that took the file's place must not hold us for ever.
    fd = os.open(local, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(f"{local!r} is no regular file any more")


def share(source_fd: int, target_fd: int) -> bool:
    """Let an empty file have the bytes of another one without copying, and tell if that worked."""
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError:
        return False
    return True


def share_range(
    source_fd: int, source_offset: int, target_fd: int, offset: int, size_bytes: int
) -> bool:
    """Let a part of a file have bytes of another one without copying, and tell if that worked."""
    if (source_offset | offset | size_bytes) % BLOCK_BYTES:
        return False
    numbers = struct.pack("=qQQQ", source_fd, source_offset, size_bytes, offset)
    try:
        fcntl.ioctl(target_fd, _FICLONERANGE, numbers)
    except OSError:
        return False
    return True


def copy_verified(local: str, target: str, digest: bytes, size_bytes: int, stop: Stop) -> bool:
    """Make `target` a copy of a local file if that has the content with this digest.

    Returns:
        Whether it had. If not, there is no `target`.

    Raises:
        OSError: `target` cannot be written.
    """
    try:
        source_fd = open_regular(local)
    except OSError:
        return False
    try:
        if os.fstat(source_fd).st_size != size_bytes:
            return False
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        target_fd = os.open(target, flags, 0o666)
        try:
            is_right = _copy(source_fd, target_fd, stop) == digest
        finally:
            os.close(target_fd)
    finally:
        os.close(source_fd)
    if not is_right:
        os.unlink(target)  # noqa: PTH108
    return is_right


def digest_of_file(local: str, stop: Stop) -> bytes | None:
    """Return the digest of what a regular file holds, None when it cannot be read."""
    try:
        fd = open_regular(local)
    except OSError:
        return None
    try:
        return _read_all(fd, None, stop)
    except SourceLostError:
        return None
    finally:
        os.close(fd)


def _copy(source_fd: int, target_fd: int, stop: Stop) -> bytes | None:
    """Copy all bytes, and return their digest, None when they cannot be read."""
    try:
        if share(source_fd, target_fd):
            # What is shared does not change any more, whatever becomes of the source.
            return _read_all(target_fd, None, stop)
        return _read_all(source_fd, target_fd, stop)
    except SourceLostError:
        return None


def _read_all(source_fd: int, target_fd: int | None, stop: Stop) -> bytes:
    hasher = blake3()
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    while count := _read(source_fd, buffer):
        stop.check()
        hasher.update(buffer[:count])
        if target_fd is not None:
            write_all(target_fd, buffer[:count])
    return hasher.digest()


def _read(fd: int, buffer: memoryview) -> int:
    try:
        return os.readv(fd, [buffer])
    except OSError as error:
        raise SourceLostError from error


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data` where the descriptor stands.

    Raises:
        OSError: the disk refuses.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
