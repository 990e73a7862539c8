"""Puts a file together under a temporary name, from pieces here and there. For a thread."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

from blake3 import blake3

from hydria.copying import BLOCK_BYTES, SourceLostError, open_regular, share_range
from hydria.download.disk import begin_to_write_out, forget, reserve
from hydria.download.plans import Plan, Run, Source
from hydria.threads import Stop

# What was read is hashed, and given to the other thread, while it is in a processor's own cache:
# 2 GiB take 1.8 s, and 2.4 s with buffers of 1 MiB.
_BUFFER_BYTES = 256 << 10
_BUFFERS = 8
_ROOM_BYTES_MIN = 1 << 20
_WRITE_OUT_BYTES = 16 << 20


class Assembly:
    """One file in the making: first what is fetched, wherever it belongs, then all the rest.

    Every byte is written once, and hashed as it was written. What comes out is right or is thrown
    away, so that nothing that local files were said to hold needs to be true.
    """

    def __init__(self, plan: Plan, temporary: str, *, place: str, syncs: bool) -> None:
        """Begin a file that will get its name at `place`, and take the place of what is there."""
        self.plan = plan
        self._place = place
        self._syncs = syncs
        self.temporary = temporary
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(temporary, flags, 0o666)
        self._has_room = False

    def put(self, digest: bytes, data: memoryview) -> None:
        """Write a chunk that was fetched to all its places.

        Raises:
            OSError: the disk refuses.
        """
        for offset in self.plan.places.get(digest, ()):
            _write_at(self._fd, data, offset)

    def finish(self, stop: Stop) -> bool:
        """Bring in what is on this machine, and tell whether the file is the one that is wanted.

        This thread reads and hashes; another one writes what was hashed, meanwhile.

        Raises:
            OSError: the disk refuses.
        """
        hasher = blake3()
        writer = _Writer(self._fd, syncs=self._syncs)
        thread = threading.Thread(target=writer.run, name="hydria-write")
        thread.start()
        try:
            with _OpenSource() as opened:
                for part in parts_of(self.plan.runs):
                    self._bring_in(part, opened, writer, hasher, stop)
        except SourceLostError:
            return False
        finally:
            writer.end()
            thread.join()
        if writer.failure is not None:
            raise writer.failure
        return hasher.digest() == self.plan.file.content_digest

    def _bring_in(
        self, run: Run, opened: _OpenSource, writer: _Writer, hasher: blake3, stop: Stop
    ) -> None:
        """Hash a part of the file, and write it unless it is there, or can be shared."""
        fd, offset = self._fd, run.offset
        is_there, is_leaving = run.source is None, False
        if run.source is not None:
            fd, offset = opened.fd_of(run.source), run.source_offset
            if share_range(fd, offset, self._fd, run.offset, run.size_bytes):
                # What is shared does not change any more, whatever becomes of the source.
                fd, offset, is_there = self._fd, run.offset, True
            else:
                is_leaving = run.source.local == self._place
        if not is_there and run.size_bytes >= _ROOM_BYTES_MIN:
            self._make_room()
        done = 0
        while done < run.size_bytes and writer.failure is None:
            stop.check()
            buffer = writer.buffer()
            part = buffer[: min(len(buffer), run.size_bytes - done)]
            _read_at(fd, part, offset + done)
            hasher.update(part)
            if is_leaving:
                forget(fd, offset + done + len(part))
            if is_there:
                writer.give_back(buffer)
            else:
                writer.write(buffer, len(part), run.offset + done)
            done += len(part)

    def _make_room(self) -> None:
        """Reserve what the file needs, once it is known that not all of it is shared."""
        if not self._has_room:
            reserve(self._fd, self.plan.file.size_bytes)
        self._has_room = True

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


class _Writer:
    """Writes buffers to their places in a file, in a thread of its own."""

    def __init__(self, fd: int, *, syncs: bool) -> None:
        self._syncs = syncs
        self.failure: OSError | None = None
        """What the disk said, if it did not take everything."""
        self._fd = fd
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[memoryview, int, int] | None] = queue.SimpleQueue()
        for _ in range(_BUFFERS):
            self._free.put(memoryview(bytearray(_BUFFER_BYTES)))

    def buffer(self) -> memoryview:
        """Return a buffer to fill, as soon as one is free."""
        return self._free.get()

    def give_back(self, buffer: memoryview) -> None:
        """Take a buffer back that is not to be written."""
        self._free.put(buffer)

    def write(self, buffer: memoryview, size_bytes: int, offset: int) -> None:
        """Have the beginning of a buffer written."""
        self._full.put((buffer, size_bytes, offset))

    def end(self) -> None:
        """Let the thread end when all is written."""
        self._full.put(None)

    def run(self) -> None:
        """Write what comes, until `end`; after a failure, only take it."""
        written_bytes = 0
        while (following := self._full.get()) is not None:
            buffer, size_bytes, offset = following
            try:
                if self.failure is None:
                    _write_at(self._fd, buffer[:size_bytes], offset)
                    written_bytes += size_bytes
                    if self._syncs and written_bytes >= _WRITE_OUT_BYTES:
                        begin_to_write_out(self._fd)
                        written_bytes = 0
            except OSError as error:
                self.failure = error
            self._free.put(buffer)


class _OpenSource:
    """The source that is read from now."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._fd = -1

    def __enter__(self) -> _OpenSource:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def fd_of(self, source: Source) -> int:
        """Return a descriptor of `source`, and let go of the one before.

        Raises:
            SourceLostError: it is not there any more.
        """
        if source is not self._source:
            self.__exit__()
            try:
                self._fd = open_regular(source.local)
            except OSError as error:
                raise SourceLostError from error
            self._source = source
        return self._fd


def parts_of(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield the runs in parts; those that whole blocks can be shared of, apart from the rest."""
    for run in runs:
        head = -run.offset % BLOCK_BYTES
        whole = (run.size_bytes - head) // BLOCK_BYTES * BLOCK_BYTES
        if run.source is None or whole <= 0 or (run.offset - run.source_offset) % BLOCK_BYTES:
            yield run
            continue
        for skip, size_bytes in ((0, head), (head, whole), (head + whole, run.size_bytes)):
            if (size_bytes := min(size_bytes, run.size_bytes - skip)) > 0:
                yield Run(run.offset + skip, size_bytes, run.source, run.source_offset + skip)


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
