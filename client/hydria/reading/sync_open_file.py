"""A file of a version as Python's own files are: seekable, buffered, read-only."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from hydria.loop_thread import LoopThread
from hydria.reading.open_file import OpenFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# What small reads are served from. A larger read goes past the buffer, and is asked for as it is.
_BUFFER_BYTES = 128 << 10


class SyncOpenFile(io.BufferedReader):
    """A file of one version, for whatever takes a binary file. `Client.open` makes it.

    It verifies, reads ahead and holds as `OpenFile` does. Methods are those of
    `io.BufferedReader`; `read_at` may be called by several threads at once.
    """

    def __init__(self, file: OpenFile, loop: LoopThread) -> None:
        super().__init__(_RawFile(file, loop), _BUFFER_BYTES)
        self._file = file
        self._loop = loop

    @property
    def version_ref(self) -> str:
        """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""
        return self._file.version_ref

    @property
    def path(self) -> str:
        """The path in the version."""
        return self._file.path

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self._file.size_bytes

    @property
    def size(self) -> int:
        """The same, by the name that fsspec and its users look for."""
        return self._file.size_bytes

    @property
    def digest(self) -> str:
        """`blake3:<hex>` of the content."""
        return self._file.digest

    def read_at(self, offset: int, length: int) -> bytes:
        """Return bytes from `offset` on; the position stays. Arguments and errors as `OpenFile`."""
        return self._loop.run(self._file.read_at(offset, length))


class _RawFile(io.RawIOBase):
    """The file without a buffer: `SyncOpenFile` puts one before it."""

    def __init__(self, file: OpenFile, loop: LoopThread) -> None:
        super().__init__()
        self.name = f"{file.version_ref}/{file.path}"
        self.mode = "rb"
        self._file = file
        self._loop = loop
        self._offset = 0

    def readable(self) -> bool:
        self._check_open()
        return True

    def seekable(self) -> bool:
        self._check_open()
        return True

    def tell(self) -> int:
        self._check_open()
        return self._offset

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check_open()
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._offset, os.SEEK_END: self._file.size_bytes}
        if whence not in origins:
            raise ValueError(f"whence is 0, 1 or 2, not {whence}")
        if origins[whence] + offset < 0:
            raise ValueError(f"there is no place at {origins[whence] + offset}")
        self._offset = origins[whence] + offset
        return self._offset

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer, or a part of it, in the thread whose buffer it is."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        if len(view) <= _BUFFER_BYTES:
            data = self._loop.run(self._file.read_some(self._offset, len(view)))
        else:
            length = min(len(view), self._bytes_at_once)
            data = self._loop.run(self._file.read_at(self._offset, length))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(self._bytes_at_once) or b"", b""))

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    @property
    def _bytes_at_once(self) -> int:
        return max(self._file.read_ahead_bytes, 2 * _BUFFER_BYTES)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("this file was closed")
