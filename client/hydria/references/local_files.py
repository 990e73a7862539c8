"""`file://`: files and directories of this machine, or of a disk that many machines share.

Only a file whose content is known by its BLAKE3 is ever opened: whoever writes a version could
name any file of whoever downloads it, and learns nothing from one that he knew already.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from blake3 import blake3

from hydria.references.errors import (
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
)
from hydria.references.stores import PIECE_BYTES, FoundObject, OpenedObject
from hydria.references.words import checksum_text
from hydria.walk import walk


class LocalFileStore:
    """Reads regular files, by their absolute paths."""

    checksum_kinds: frozenset[str] = frozenset()

    def find(self, uri: str) -> Iterator[FoundObject]:
        local = _local_path(uri)
        with _told(uri):
            is_alone = not os.path.isdir(local)  # noqa: PTH112
            for file in walk([local]):
                # Where a link leads, because links are not followed when the reference is read.
                target = os.path.realpath(file.local)
                size_bytes, digest = _measure(target)
                checksum = checksum_text({"blake3": digest})
                yield FoundObject(file.path, is_alone, _uri_of(target), size_bytes, checksum)

    @contextmanager
    def open(self, uri: str, checksums: Mapping[str, str]) -> Iterator[OpenedObject]:
        with _told(uri):
            fd = _open_regular(_local_path(uri))
            try:
                yield OpenedObject(os.fstat(fd).st_size, {}, _pieces(fd))
            finally:
                os.close(fd)

    def close(self) -> None:
        pass


def _local_path(uri: str) -> str:
    parts = urlsplit(uri)
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise ReferenceInvalidError(f"{uri!r} names no file: write file:///ABSOLUTE/PATH")
    if parts.query or parts.fragment:
        raise ReferenceInvalidError(f"{uri!r} has a '?' or '#': write %3F or %23 in a file's name")
    return path


def _uri_of(local: str) -> str:
    return "file://" + quote_from_bytes(os.fsencode(local))


def _measure(local: str) -> tuple[int, str]:
    """Return the size and the digest of a file that does not change meanwhile."""
    fd = _open_regular(local)
    try:
        before = os.fstat(fd)
        hasher = blake3()
        for piece in _pieces(fd):
            hasher.update(piece)
        after = os.fstat(fd)
    finally:
        os.close(fd)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ReferenceUnavailableError(f"{local!r} changed while it was read: try again")
    return after.st_size, hasher.hexdigest()


def _open_regular(local: str) -> int:
    """Open a file that is no link, pipe or device: opening those may do things, or never end."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    fd = os.open(local, flags)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.ELOOP, "not a regular file", local)
    return fd


def _pieces(fd: int) -> Iterator[bytes]:
    while piece := os.read(fd, PIECE_BYTES):
        yield piece


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what the disk says into errors about references."""
    details = {"uri": uri}
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ReferenceNotFoundError(f"there is no {uri!r}", details=details) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            message = f"{uri!r} is a link or no regular file, and is not opened"
            raise ReferenceDeniedError(message, details=details) from error
        if isinstance(error, PermissionError):
            message = f"{uri!r} may not be read by this user"
            raise ReferenceDeniedError(message, details=details) from error
        message = f"{uri!r} cannot be read: {error.strerror}"
        raise ReferenceUnavailableError(message, details=details) from error
