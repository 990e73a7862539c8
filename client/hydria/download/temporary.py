"""Room for files that are not whole yet, beside those that are: on the same file system."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time

ROOM_PREFIX = ".hydria-"
# Younger rooms may belong to somebody who has just made one and not locked it yet.
_ABANDONED_SECONDS = 60.0


class TemporaryRoom:
    """A directory below a root, locked while it is in use. Rooms of the dead are cleared away."""

    def __init__(self, root: str) -> None:
        clear_abandoned(root)
        self.directory = f"{root}/{ROOM_PREFIX}{secrets.token_hex(8)}"
        os.mkdir(self.directory, 0o700)  # noqa: PTH102
        self._fd = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        _lock(self._fd)
        self._names_given = 0

    def new_name(self) -> str:
        """Return the path of a file that is not there yet."""
        self._names_given += 1
        return f"{self.directory}/{self._names_given}.part"

    def close(self) -> None:
        """Remove the room and all that is left in it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        os.close(self._fd)


def clear_abandoned(root: str) -> None:
    """Remove rooms below `root` that nobody holds any more: their process was killed."""
    with os.scandir(root) as entries:
        rooms = [
            entry.path
            for entry in entries
            if entry.name.startswith(ROOM_PREFIX)
            and entry.is_dir(follow_symlinks=False)
            and time.time() - entry.stat().st_mtime > _ABANDONED_SECONDS
        ]
    for room in rooms:
        try:
            fd = os.open(room, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        if _lock(fd):
            shutil.rmtree(room, ignore_errors=True)
        os.close(fd)


def _lock(fd: int) -> bool:
    """Lock a directory, and tell whether that worked; some network disks know no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
