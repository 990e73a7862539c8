"""Puts a file together under a temporary name, from pieces here and there. For a thread."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

from blake3 import blake3

from hydria.copying import SourceLostError, open_regular
from hydria.download.disk import begin_to_write_out
from hydria.download.plans import Plan, Run, Source
from hydria.threads import Stop, StoppedError

_BUFFER_BYTES = 1 << 20
_COPY_BYTES = 4 << 20
_WRITE_OUT_BYTES = 16 << 20


class Assembly:
    """One file in the making: first what is fetched, wherever it belongs, then all the rest.

    Every byte is written once, and hashed as it was written. What comes out is right or is thrown
    away, so that nothing that local files were said to hold needs to be true.
    """

    def __init__(self, plan: Plan, temporary: str) -> None:
        self.plan = plan
        self.temporary = temporary
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(temporary, flags, 0o666)

    def put(self, digest: bytes, data: memoryview) -> None:
        """Write a chunk that was fetched to all its places.

        Raises:
            OSError: the disk refuses.
        """
        for offset in self.plan.places.get(digest, ()):
            _write_at(self._fd, data, offset)

    def finish(self, stop: Stop) -> bool:
        """Bring in what is on this machine, and tell whether the file is the one that is wanted.

        One thread copies, within the kernel where it can; this one hashes what was written.

        Raises:
            OSError: the disk refuses.
        """
        copier = _Copier(self._fd, self.plan.runs)
        thread = threading.Thread(target=copier.run, name="hydria-copy")
        thread.start()
        try:
            digest = self._digest_of(copier.ends(), stop)
        finally:
            copier.stop.set()
            thread.join()
        if copier.failure is not None:
            raise copier.failure
        return digest == self.plan.file.content_digest

    def _digest_of(self, ends: Iterator[int], stop: Stop) -> bytes:
        """Return the digest of what is written up to the last of the `ends`, as they come."""
        hasher, buffer, at = blake3(), memoryview(bytearray(_BUFFER_BYTES)), 0
        for end in ends:
            while at < end:
                stop.check()
                part = buffer[: min(len(buffer), end - at)]
                _read_at(self._fd, part, at)
                hasher.update(part)
                at += len(part)
        return hasher.digest()

    def close(self) -> None:
        """Let go of all files; the temporary one stays. Closing twice is fine."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def discard(self) -> None:
        """Remove the temporary file, which is of no use."""
        self.close()
        with suppress(FileNotFoundError):
            os.unlink(self.temporary)  # noqa: PTH108


class _Copier:
    """Copies the runs of a file from where they are, and tells how far it has come."""

    def __init__(self, fd: int, runs: Sequence[Run]) -> None:
        self.stop = Stop()
        self.failure: OSError | None = None
        """What the disk said, if it did not take everything."""
        self._fd = fd
        self._runs = runs
        self._ends: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._written_bytes = 0
        self._source: Source | None = None
        self._source_fd = -1

    def ends(self) -> Iterator[int]:
        """Yield, for the other thread, how much of the file is written, until no more will be."""
        while (end := self._ends.get()) is not None:
            yield end

    def run(self) -> None:
        """Copy all runs, unless a source is lost, the disk refuses, or `stop` is set."""
        try:
            for run in self._runs:
                self._bring_in(run)
        except (SourceLostError, StoppedError):
            pass  # what is missing shows in the digest
        except OSError as error:
            self.failure = error
        finally:
            self._close_source()
            self._ends.put(None)

    def _bring_in(self, run: Run) -> None:
        done = run.size_bytes if run.source is None else 0
        while run.source is not None and done < run.size_bytes:
            self.stop.check()
            source_fd = self._opened(run.source)
            size_bytes = min(_COPY_BYTES, run.size_bytes - done)
            _copy_at(source_fd, run.source_offset + done, self._fd, run.offset + done, size_bytes)
            done += size_bytes
            self._written_bytes += size_bytes
            if self._written_bytes >= _WRITE_OUT_BYTES:
                begin_to_write_out(self._fd)
                self._written_bytes = 0
            self._ends.put(run.offset + done)
        self._ends.put(run.offset + done)

    def _opened(self, source: Source) -> int:
        if source is not self._source:
            self._close_source()
            try:
                self._source_fd = open_regular(source.local)
            except OSError as error:
                raise SourceLostError from error
            self._source = source
        return self._source_fd

    def _close_source(self) -> None:
        if self._source is not None:
            os.close(self._source_fd)
        self._source = None


def _copy_at(source_fd: int, source_offset: int, fd: int, offset: int, size_bytes: int) -> None:
    """Copy a part of one file to a place in another one.

    Raises:
        SourceLostError: the source ends before, or cannot be read.
        OSError: the disk refuses.
    """
    while size_bytes:
        try:
            count = os.copy_file_range(source_fd, fd, size_bytes, source_offset, offset)
        except (OSError, AttributeError):  # other file systems, an old kernel, no Linux, or failed
            part = memoryview(bytearray(min(size_bytes, _BUFFER_BYTES)))
            try:
                _read_at(source_fd, part, source_offset)
            except OSError as error:
                raise SourceLostError from error
            _write_at(fd, part, offset)
            count = len(part)
        if not count:
            raise SourceLostError
        source_offset, offset, size_bytes = (
            source_offset + count,
            offset + count,
            size_bytes - count,
        )


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
