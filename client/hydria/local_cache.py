"""Files by their content, downloaded or uploaded here, kept for later downloads on this machine.

Whole files, named by their digests: such a file can be shared with its copies by a disk that knows
how, can be linked to, and serves for single chunks as any other local file does. Several processes
may use the cache at once: files appear under their names when they are whole, and are removed
beside those who read them. What is in it is verified each time it is used, so that neither a torn
write nor a flipped bit nor a user who wrote to a linked file gets any further. Nothing that goes
wrong with it is an error of a download.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from hydria.copying import copy_verified, digest_of_file, open_regular, share
from hydria.digests import DIGEST_BYTES
from hydria.download.temporary import TemporaryRoom, clear_abandoned
from hydria.options import CacheUse
from hydria.scan_cache import default_directory
from hydria.threads import Stop

DIRECTORY_NAME = "objects-v1"
# It takes longer to keep smaller files than to fetch them again.
SHARED_BYTES_MIN = 64 << 10
_LOCK_NAME = "lock"
_COPY_BYTES = 1 << 30

Fill = Callable[[str], bool]  # makes a file of that name with verified content, or returns False


class CachedFile(NamedTuple):
    """A file in the cache."""

    local: str
    status: os.stat_result


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """What is in the cache, or what of it was removed."""

    directory: Path
    file_count: int
    size_bytes: int
    """Of the content. Bytes that the disk shares with other files take no room of their own."""


class LocalCache:
    """One user's cache, opened for one download or one command. Blocking: for one thread a time."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        bytes_max: int,
        use: CacheUse = CacheUse.ON,
        link: bool = False,
    ) -> None:
        """Open the cache; nothing is made before something is kept.

        Args:
            directory: the client's cache directory; by default the user's.
            bytes_max: how large the cache may become.
            use: what to keep.
            link: keep and hand out everything as hard links where that can be done: one file with
                several names, so that writing to one of them changes all.
        """
        self.directory = (directory or default_directory()) / DIRECTORY_NAME
        self._bytes_max = bytes_max
        self._use = CacheUse.ON if link else use
        self._link = link
        self._room: TemporaryRoom | None = None
        self._added_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Shrink the cache if it has become too large, and let go of it."""
        with suppress(OSError):
            if self._added_bytes:
                self._shrink()
        room, self._room = self._room, None
        if room is not None:
            room.close()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept. Once the disk has refused something, nothing is."""
        return self._use is not CacheUse.OFF

    @property
    def is_in_use(self) -> bool:
        """Whether anything may be found in it."""
        return self.keeps and any(map(_is_shelf, _names_in(self.directory)))

    # --- out ------------------------------------------------------------------------------------

    def get(self, digest: bytes, size_bytes: int, target: str, stop: Stop) -> bool:
        """Make `target` a file with the content of a digest, and tell whether that was here.

        What is here and damaged is removed.

        Raises:
            OSError: `target` cannot be written.
        """
        local = self.place_of(digest)
        if not os.path.lexists(local):
            return False
        if self._get_link(local, digest, target, stop) or copy_verified(
            local, target, digest, size_bytes, stop
        ):
            _touch(local)
            return True
        _remove(local)
        return False

    def check(self, local: str, stop: Stop) -> None:
        """Look at a file from which wrong bytes may have come; if it is ours and bad, remove it."""
        digest = self._digest_of_name(local)
        if digest is not None and digest_of_file(local, stop) != digest:
            _remove(local)

    def files(self) -> Iterator[CachedFile]:
        """Yield all files, in no order."""
        for directory in _names_in(self.directory):
            if _is_shelf(directory):
                for name in _names_in(self.directory / directory):
                    local = f"{self.directory}/{directory}/{name}"
                    with suppress(OSError):
                        yield CachedFile(local, os.lstat(local))

    def place_of(self, digest: bytes) -> str:
        """Return where a file with the content of a digest is, if it is here."""
        name = digest.hex()
        return f"{self.directory}/{name[:2]}/{name[2:]}"

    # --- in -------------------------------------------------------------------------------------

    def add(self, digest: bytes, local: str, size_bytes: int) -> bool:
        """Keep a verified file if that is wanted, and tell whether it was not here before."""

        def take(temporary: str) -> bool:
            return (self._link and _link(local, temporary)) or self._copy(local, temporary)

        return self.fill(digest, size_bytes, take)

    def fill(self, digest: bytes, size_bytes: int, fill: Fill) -> bool:
        """As `add`, with what `fill` makes; it is not called if nothing is wanted of it."""
        too_small = self._use is CacheUse.AUTO and size_bytes < SHARED_BYTES_MIN
        if not self.keeps or too_small or not 0 < size_bytes <= self._bytes_max:
            return False
        place = self.place_of(digest)
        try:
            if os.path.lexists(place) or not self._fill(fill, place, size_bytes):
                return False
            if self._added_bytes > self._bytes_max // 8:
                self._shrink()
        except OSError:  # no room, no permission
            self._use = CacheUse.OFF
            return False
        return True

    def _fill(self, fill: Fill, place: str, size_bytes: int) -> bool:
        if self._room is None:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._room = TemporaryRoom(str(self.directory))
        temporary = self._room.new_name()
        if not fill(temporary):
            return False
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        _touch(temporary)
        os.rename(temporary, place)  # noqa: PTH104
        self._added_bytes += size_bytes
        return True

    def _copy(self, local: str, temporary: str) -> bool:
        """Copy a file, or share its bytes; False when only sharing is wanted and cannot be."""
        source = open_regular(local)
        try:
            target = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                if share(source, target):
                    return True
                if self._use is not CacheUse.ON:
                    self._use = CacheUse.OFF  # it would be the same with the next file
                    return False
                while os.sendfile(target, source, None, _COPY_BYTES):
                    pass
                return True
            finally:
                os.close(target)
        finally:
            os.close(source)

    # --- room -----------------------------------------------------------------------------------

    def info(self) -> CacheInfo:
        """Return how much is in the cache."""
        sizes = [file.status.st_size for file in self.files()]
        return CacheInfo(directory=self.directory, file_count=len(sizes), size_bytes=sum(sizes))

    def clean(self, to_bytes: int = 0) -> CacheInfo:
        """Remove what was used the longest time ago, until at most so much is left.

        Returns:
            What was removed.
        """
        with suppress(OSError):
            clear_abandoned(str(self.directory))
        files = sorted(self.files(), key=lambda file: file.status.st_atime_ns)
        left = sum(file.status.st_size for file in files)
        count = removed = 0
        for file in files:
            if left <= to_bytes:
                break
            if _remove(file.local):
                count += 1
                removed += file.status.st_size
            left -= file.status.st_size
        return CacheInfo(directory=self.directory, file_count=count, size_bytes=removed)

    def _shrink(self) -> None:
        """Keep to the limit, unless another process is about it."""
        self._added_bytes = 0
        fd = os.open(self.directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.clean(self._bytes_max)
        finally:
            os.close(fd)

    def _get_link(self, local: str, digest: bytes, target: str, stop: Stop) -> bool:
        if not self._link or not _link(local, target):
            return False
        if digest_of_file(target, stop) == digest:
            return True
        os.unlink(target)  # noqa: PTH108
        return False

    def _digest_of_name(self, local: str) -> bytes | None:
        with suppress(ValueError):
            digest = bytes.fromhex("".join(Path(local).parts[-2:]))
            if len(digest) == DIGEST_BYTES and local == self.place_of(digest):
                return digest
        return None


def _link(local: str, target: str) -> bool:
    """Give a file another name, and tell whether that can be done."""
    try:
        os.link(local, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _touch(local: str) -> None:
    """Note that a file was used. Its mtime may be that of a user's file, and stays."""
    with suppress(OSError):
        times = (time.time_ns(), os.lstat(local).st_mtime_ns)
        os.utime(local, ns=times, follow_symlinks=False)


def _remove(local: str) -> bool:
    """Remove a file, and tell whether that was done."""
    try:
        os.unlink(local)  # noqa: PTH108
    except OSError:
        return False
    return True


def _is_shelf(name: str) -> bool:
    """Tell whether files are in the directory with this name: the beginning of their digests."""
    return len(name) == 2


def _names_in(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208
    except OSError:
        return []
