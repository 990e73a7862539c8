"""Large files that were replaced: the disk takes back their room when nobody waits for it."""

from __future__ import annotations

import os
import stat
import sys
import threading
from contextlib import suppress

# To take back the room of 2 GiB took ext4 1.4 s where it tells the device of it (`discard`).
_SIZE_BYTES_MIN = 64 << 20
_HELD_MAX = 64


class Leaving:
    """Files that are held open while others take their names, and let go by a thread of its own.

    Shared by all downloads of a client. A process that ends waits for the disk as it would have.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self._thread: threading.Thread | None = None

    def hold(self, place: str, size_bytes: int) -> None:
        """Keep the file at a place until `let_go`, if it is large, and this system can do that."""
        too_small = size_bytes < _SIZE_BYTES_MIN  # and there may be many: none is opened for this
        if too_small or sys.platform != "linux" or len(self._held) >= _HELD_MAX:
            return
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
        with suppress(OSError):
            fd = os.open(place, flags)
            if stat.S_ISREG(os.fstat(fd).st_mode):
                self._held.append(fd)
            else:
                os.close(fd)

    def let_go(self) -> None:
        """Begin to give back the room of what is held."""
        held, self._held = self._held, []
        if held:
            self.wait()
            self._thread = threading.Thread(target=_close_all, args=(held,), name="hydria-free")
            self._thread.start()

    def wait(self) -> None:
        """Return when the room of what was let go is there again."""
        thread = self._thread
        if thread is not None:
            thread.join()


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
