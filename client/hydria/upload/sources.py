"""Where the bytes of a file to be logged come from: a local file, or memory."""

from __future__ import annotations

import os
import stat
import time
from typing import NamedTuple, Protocol

from hydria.errors import SourceError
from hydria.scan_cache import FileKey, is_settled, key_of
from hydria.walk import LocalFile

# The clock of a file system ticks every 1 to 10 ms; two changes in one tick look like one.
_TICK_NS = 10_000_000


class BytesFile(NamedTuple):
    """A file that is given by its bytes."""

    path: str
    data: bytes

    @property
    def size_bytes(self) -> int:
        """How many bytes it has."""
        return len(self.data)


Source = LocalFile | BytesFile


class OpenSource(Protocol):
    """A source while it is read, from its beginning to its end."""

    size_bytes: int

    def read_into(self, room: memoryview) -> int:
        """Fill `room` with the next bytes, and return how many there were: less at the end."""

    def has_changed(self) -> bool:
        """Tell whether what was read may be a mixture of two contents."""

    def cache_key(self) -> FileKey | None:
        """Return the key under which to remember what was read, None for not at all."""

    def close(self) -> None:
        """Let go of the source."""


def open_source(source: Source) -> OpenSource:
    """Begin to read a source.

    Raises:
        OSError: it cannot be opened.
        SourceError: it is no regular file any more.
    """
    if isinstance(source, BytesFile):
        return _OpenBytes(source.data)
    return _OpenFile(source.local)


class _OpenFile:
    def __init__(self, local: str) -> None:
        self._local = local
        # Non-blocking: a pipe that took the file's place must not hold us for ever.
        self._fd = os.open(local, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._before = self._settled_status()
            if not stat.S_ISREG(self._before.st_mode):
                raise SourceError(f"{local!r} is no regular file any more")
        except BaseException:
            os.close(self._fd)
            raise
        self.size_bytes = self._before.st_size

    def _settled_status(self) -> os.stat_result:
        """Return the stat, so late that any change after it will show in the times."""
        status = os.fstat(self._fd)
        self._looked_at_ns = time.time_ns()
        age_ns = self._looked_at_ns - max(status.st_mtime_ns, status.st_ctime_ns)
        if not 0 <= age_ns < _TICK_NS:
            return status
        time.sleep(_TICK_NS / 1e9)
        return os.fstat(self._fd)

    def read_into(self, room: memoryview) -> int:
        done = 0
        while done < len(room):
            count = os.readv(self._fd, [room[done:]])
            if count == 0:
                break
            done += count
        return done

    def has_changed(self) -> bool:
        before, after = self._before, os.fstat(self._fd)
        return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
            after.st_size,
            after.st_mtime_ns,
            after.st_ctime_ns,
        )

    def cache_key(self) -> FileKey | None:
        key = key_of(self._local, self._before)
        return key if is_settled(key, self._looked_at_ns) else None

    def close(self) -> None:
        os.close(self._fd)


class _OpenBytes:
    def __init__(self, data: bytes) -> None:
        self.size_bytes = len(data)
        self._rest = memoryview(data)

    def read_into(self, room: memoryview) -> int:
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def has_changed(self) -> bool:
        return False

    def cache_key(self) -> FileKey | None:
        return None

    def close(self) -> None:
        pass
