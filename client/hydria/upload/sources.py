"""Where the bytes of a file to be logged come from: a local file, or memory."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from hydria.errors import SourceError
from hydria.scanned_files import FileKey, is_settled, key_of
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
    """
    if isinstance(source, BytesFile):
        return _OpenBytes(source.data)
    return _OpenFile(source.key)


def local_files(paths: Mapping[str, str]) -> Iterator[LocalFile]:
    """Yield local files by their paths in the version, as they are now.

    Raises:
        OSError: one is not there any more.
        SourceError: one is no regular file any more.
    """
    for path, local in paths.items():
        yield LocalFile(path, _regular(local))


def looked_at_again(source: Source) -> Source:
    """Return the source as it is now, after it turned out to have changed.

    Raises:
        OSError: it is not there any more.
        SourceError: it is no regular file any more.
    """
    if isinstance(source, BytesFile):
        return source
    return source._replace(key=_regular(source.local))


def _regular(local: str) -> FileKey:
    status = os.stat(local)  # noqa: PTH116
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{local!r} is no regular file any more")
    return key_of(local, status)


class _OpenFile:
    """Takes the key of the walk for the one before: what changed since then shows as well."""

    def __init__(self, before: FileKey) -> None:
        self._local = before.local
        self._before = before
        self.size_bytes = before.size_bytes
        self._looked_at_ns = time.time_ns()
        age_ns = self._looked_at_ns - max(before.mtime_ns, before.ctime_ns)
        if 0 <= age_ns < _TICK_NS:
            time.sleep(_TICK_NS / 1e9)  # a change from now on shows in the times
        # Non-blocking: a pipe that took the file's place must not hold us for ever.
        self._fd = os.open(self._local, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)

    def read_into(self, room: memoryview) -> int:
        done = 0
        while done < len(room):
            try:
                count = os.readv(self._fd, [room[done:]])
            except OSError:
                if self.has_changed():  # a directory or the like took the file's place
                    return done
                raise
            if count == 0:
                break
            done += count
        return done

    def has_changed(self) -> bool:
        return key_of(self._local, os.fstat(self._fd)) != self._before

    def cache_key(self) -> FileKey | None:
        return self._before if is_settled(self._before, self._looked_at_ns) else None

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
