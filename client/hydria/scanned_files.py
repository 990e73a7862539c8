"""A file on this machine as it stands, and what it was found to hold."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

DISTRUST_NS = 2_000_000_000
_FS_ENCODING, _FS_ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class FileKey(NamedTuple):  # half the cost of a dataclass, a hundred thousand times
    """A file on this machine as it stands: when it changes, so does this."""

    path: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @property
    def local(self) -> str:
        """The path as Python has it."""
        return self.path.decode(_FS_ENCODING, _FS_ERRORS)


class ScannedFile(NamedTuple):
    """What a file was found to hold: its digest, and digests and sizes of its chunks.

    A file of one chunk, or none, has no list: the chunk's digest is the content's.
    """

    content_digest: bytes
    chunk_digests: bytes = b""
    chunk_sizes: tuple[int, ...] = ()


def key_of(local: str, status: os.stat_result) -> FileKey:
    """Return the key of a file by its absolute path and its stat."""
    return FileKey(
        local.encode(_FS_ENCODING, _FS_ERRORS),  # as os.fsencode, in half the time
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
    )


def is_settled(key: FileKey, looked_at_ns: int) -> bool:
    """Tell whether the file had been left alone long enough for its times to be trusted."""
    return looked_at_ns - max(key.mtime_ns, key.ctime_ns) >= DISTRUST_NS
