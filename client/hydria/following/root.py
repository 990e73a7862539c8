"""The directory that a follower keeps: a link, and beside it the versions that it leads to.

`DIR` is a link to `.DIR.hydria/vN-DIGEST`. Whoever opens `DIR/file` gets one version or the next,
never a mixture; whoever resolves `DIR` once (`realpath`) keeps that version until two newer ones
have come. Nothing that Hydria has not made is replaced or removed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hydria.download.temporary import ROOM_PREFIX
from hydria.following.errors import FollowerRunningError, FollowRootError
from hydria.following.state import FollowState, load_state, save_state, sync_directory
from hydria.threads import Stop

_DIGEST_CHARACTERS = 16
_PLACE = re.compile(r"v[0-9]+-[0-9a-f]{16}")
_ROOM = re.compile(re.escape(ROOM_PREFIX) + "[0-9a-f]{16}")


def place_name(version: str, digest: str) -> str:
    """Return what the directory of a version is called: its number and some of its digest."""
    return f"{version}-{digest.removeprefix('blake3:')[:_DIGEST_CHARACTERS]}"


class FollowRoot:
    """Blocking: for a thread. Everything but `locked` wants the lock to be held."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """Take the path as it is; nothing is looked at yet.

        Raises:
            FollowRootError: no link can be there.
        """
        self.link = Path(os.path.abspath(directory))  # noqa: PTH100 - `..` and links stay names
        if not self.link.name:
            raise FollowRootError(f"{str(self.link)!r} cannot be a link; name a directory in it")
        self.shelf = self.link.with_name(f".{self.link.name}.hydria")
        self._state_path = self.shelf / "state.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this directory; it is gone with the process, however that ends.

        Raises:
            FollowerRunningError: another follower holds it.
            FollowRootError: something is in place that Hydria has not made.
            OSError: the disk refuses.
        """
        self.linked_name()
        self.link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            self.shelf.mkdir()
        self._check_shelf()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.shelf / "lock", flags, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another follower keeps {str(self.link)!r}; end it, or choose another"
                raise FollowerRunningError(message) from None
            yield
        finally:
            os.close(fd)

    def _check_shelf(self) -> None:
        status = os.lstat(self.shelf)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise FollowRootError(
                f"{str(self.shelf)!r} is not a directory of this user; move it away"
            )

    def linked_name(self) -> str:
        """Return the name of the directory that the link leads to; empty when there is no link.

        Raises:
            FollowRootError: what is in place is no link, or leads elsewhere.
        """
        try:
            target = os.readlink(self.link)  # noqa: PTH115 - as it is written
        except FileNotFoundError:
            return ""
        except OSError:
            raise FollowRootError(
                f"{str(self.link)!r} is there and is no link; move it away, or choose another"
            ) from None
        shelf, _, name = target.rpartition("/")
        if shelf != self.shelf.name or not _PLACE.fullmatch(name):
            raise FollowRootError(
                f"{str(self.link)!r} is a link to {target!r}, which Hydria has not made; move it"
                " away, or choose another"
            )
        return name

    def load(self) -> FollowState:
        """Return the state that fits what is on the disk, whenever the last follower ended."""
        state = load_state(self._state_path)
        linked = self.linked_name()
        if not linked or not self.place(linked).is_dir():
            return FollowState(ref=state.ref)
        if state.next is not None and state.next.name == linked:
            return FollowState(
                ref=state.ref, current=state.next, previous=state.current, is_told=False
            )
        if state.current is not None and state.current.name == linked:
            return state
        return FollowState(ref=state.ref)

    def save(self, state: FollowState) -> None:
        """Keep the state."""
        save_state(self._state_path, state)

    def place(self, name: str) -> Path:
        """Return the directory of a version."""
        return self.shelf / name

    def sync(self, directory: Path, stop: Stop) -> None:
        """Return once all below a directory is on the disk; take away what a killed one left."""
        for entry in list(directory.iterdir()):
            if _ROOM.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
        for folder, _, names in os.walk(directory):
            for name in names:
                stop.check()
                with (Path(folder) / name).open("rb") as file:
                    os.fsync(file.fileno())
            sync_directory(folder)
        sync_directory(self.shelf)

    def swap(self, name: str) -> None:
        """Let the link lead to a version, from one moment to the next.

        Raises:
            FollowRootError: somebody put something else in its place.
        """
        self.linked_name()
        new = self.shelf / "link"
        new.unlink(missing_ok=True)
        new.symlink_to(f"{self.shelf.name}/{name}")
        new.replace(self.link)
        sync_directory(self.link.parent)

    def clean(self, keep: Collection[str]) -> None:
        """Remove all versions but some and what is in place: those too that never came there.

        Raises:
            FollowRootError: somebody put something else in place.
            OSError: the disk refuses.
        """
        kept = {*keep, self.linked_name()}
        for entry in list(self.shelf.iterdir()):
            name = entry.name
            if _PLACE.fullmatch(name) and name not in kept and not entry.is_symlink():
                shutil.rmtree(entry)
