"""Puts a file together under a temporary name, from pieces here and there. For a thread."""

from __future__ import annotations

import os
from contextlib import suppress

from blake3 import blake3

from hydria.copying import SourceLostError, open_regular
from hydria.download.disk import begin_to_write_out
from hydria.download.plans import Plan, Run, Source
from hydria.threads import Stop

_BUFFER_BYTES = 1 << 20
_WRITE_OUT_BYTES = 16 << 20


class Assembly:
    """One file in the making: first what is fetched, wherever it belongs, then all the rest.

    Every byte is written once and hashed once. What comes out is right or is thrown away, so that
    nothing that local files were said to hold needs to be true.
    """

    def __init__(self, plan: Plan, temporary: str) -> None:
        self.plan = plan
        self.temporary = temporary
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(temporary, flags, 0o666)
        self._written_bytes = 0
        self._source: Source | None = None
        self._source_fd = -1

    def put(self, digest: bytes, data: memoryview) -> None:
        """Write a chunk that was fetched to all its places.

        Raises:
            OSError: the disk refuses.
        """
        for offset in self.plan.places.get(digest, ()):
            _write_at(self._fd, data, offset)

    def finish(self, stop: Stop) -> bool:
        """Bring in what is on this machine, and tell whether the file is the one that is wanted.

        Raises:
            OSError: the disk refuses.
        """
        hasher = blake3()
        buffer = memoryview(bytearray(_BUFFER_BYTES))
        try:
            for run in self.plan.runs:
                self._bring_in(run, buffer, hasher, stop)
        except SourceLostError:
            return False
        return hasher.digest() == self.plan.file.content_digest

    def close(self) -> None:
        """Let go of all files; the temporary one stays. Closing twice is fine."""
        self._close_source()
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def discard(self) -> None:
        """Remove the temporary file, which is of no use."""
        self.close()
        with suppress(FileNotFoundError):
            os.unlink(self.temporary)  # noqa: PTH108

    def _bring_in(self, run: Run, buffer: memoryview, hasher: blake3, stop: Stop) -> None:
        """Hash a run, and write it unless it is there."""
        done = 0
        while done < run.size_bytes:
            stop.check()
            part = buffer[: min(len(buffer), run.size_bytes - done)]
            if run.source is None:
                _read_at(self._fd, part, run.offset + done)
            else:
                self._read_source(run.source, part, run.source_offset + done)
                _write_at(self._fd, part, run.offset + done)
                self._written_bytes += len(part)
                if self._written_bytes >= _WRITE_OUT_BYTES:
                    begin_to_write_out(self._fd)
                    self._written_bytes = 0
            hasher.update(part)
            done += len(part)

    def _read_source(self, source: Source, part: memoryview, offset: int) -> None:
        try:
            if source is not self._source:
                self._close_source()
                self._source_fd = open_regular(source.local)
                self._source = source
            _read_at(self._source_fd, part, offset)
        except OSError as error:
            raise SourceLostError from error

    def _close_source(self) -> None:
        if self._source is not None:
            os.close(self._source_fd)
        self._source = None


def _read_at(fd: int, room: memoryview, offset: int) -> None:
    """Fill `room`.

    Raises:
        SourceLostError: the file ends before.
        OSError: it cannot be read.
    """
    while room:
        count = os.preadv(fd, [room], offset)
        if not count:
            raise SourceLostError
        room, offset = room[count:], offset + count


def _write_at(fd: int, data: memoryview, offset: int) -> None:
    while data:
        count = os.pwrite(fd, data, offset)
        data, offset = data[count:], offset + count
