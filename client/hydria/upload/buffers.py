"""The memory of uploads: a fixed number of equal buffers, used again and again.

They bound what a client holds, whatever it uploads, and spare the page faults of fresh memory.
"""

from __future__ import annotations

import threading

from hydria.threads import Stop


class Buffer:
    """One buffer. Its memory is taken when it is first used."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._view: memoryview | None = None

    @property
    def view(self) -> memoryview:
        """All of the buffer, writable."""
        if self._view is None:
            self._view = memoryview(bytearray(self._size_bytes))
        return self._view


class BufferPool:
    """Hands out buffers to threads, and lets them wait while all are in use."""

    def __init__(self, *, buffer_bytes: int, count: int) -> None:
        self.buffer_bytes = buffer_bytes
        self._free = [Buffer(buffer_bytes) for _ in range(count)]
        self._count = count
        self._changed = threading.Condition()

    def acquire(self, stop: Stop) -> Buffer:
        """Return a buffer that nobody uses, as soon as there is one.

        Raises:
            StoppedError: `stop` was set (and `wake` called) meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free or stop.is_set)
            stop.check()
            return self._free.pop()

    def release(self, buffer: Buffer) -> None:
        """Take a buffer back. Nothing may look at its memory any more."""
        with self._changed:
            self._free.append(buffer)
            if len(self._free) == self._count:  # an idle client holds no memory
                self._free = [Buffer(self.buffer_bytes) for _ in range(self._count)]
            self._changed.notify()

    def wake(self) -> None:
        """Let all waiting threads look at their `stop`."""
        with self._changed:
            self._changed.notify_all()
