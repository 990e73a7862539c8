"""Where files go on this machine, what is there already, and what must not be touched."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Sequence

from blake3 import blake3

from hydria.download.frames import Wanted
from hydria.errors import TargetError
from hydria.scan_cache import ScanCache
from hydria.scanned_files import FileKey, ScannedFile, is_settled, key_of
from hydria.threads import Stop

_READ_BYTES = 1 << 20
_BATCH_FILES = 1000


class Targets:
    """The tree under one root. Blocking: for a thread.

    Links inside the root are followed as long as they stay inside. The root itself may be a link.
    """

    def __init__(self, root: str) -> None:
        os.makedirs(root, exist_ok=True)  # noqa: PTH103
        self.root = os.path.realpath(root)
        with os.scandir(self.root) as entries:
            self.was_empty = next(entries, None) is None
        self.in_place: list[Wanted] = []
        self.to_fetch: list[Wanted] = []
        self.replaced: dict[str, int] = {}
        """Paths to fetch where another file is now, and how many bytes that has."""
        self._safe_directories = {self.root}
        self._absent_directories: set[str] = set()

    def place_of(self, path: str) -> str:
        """Return where a path of the version belongs."""
        return os.path.join(self.root, path)  # noqa: PTH118

    def inspect(self, files: Sequence[Wanted], *, cache: ScanCache, stop: Stop) -> None:
        """Sort `files` into those in place with the right content and those to fetch.

        Raises:
            TargetError: a directory or something that is no file is in the way, or a link leads
                out of the root.
            OSError: what is there cannot be read.
        """
        for start in range(0, len(files), _BATCH_FILES):
            stop.check()
            self._inspect_batch(files[start : start + _BATCH_FILES], cache, stop)

    def make_directory_for(self, path: str) -> str:
        """Make the directories above a path, and return the lowest of them.

        Raises:
            TargetError: a file is where a directory has to be, or a link leads out of the root.
        """
        directory = os.path.dirname(self.place_of(path))  # noqa: PTH120
        if directory not in self._safe_directories:
            self._check_directory(directory, path)
            try:
                os.makedirs(directory, exist_ok=True)  # noqa: PTH103
            except FileExistsError as error:
                message = f"{error.filename!r} is a file; {path!r} needs a directory there"
                raise TargetError(message) from error
            self._safe_directories.add(directory)
        return directory

    def _inspect_batch(self, files: Sequence[Wanted], cache: ScanCache, stop: Stop) -> None:
        candidates: list[tuple[Wanted, FileKey, int]] = []
        for file in files:
            status = self._status_of(file.path)
            if status is not None:
                self.replaced[file.path] = status.st_size
            if status is None or status.st_size != file.size_bytes:
                self.to_fetch.append(file)
            else:
                key = key_of(self.place_of(file.path), status)
                candidates.append((file, key, time.time_ns()))
        known = cache.recall([key for _, key, _ in candidates])
        found: list[tuple[FileKey, ScannedFile]] = []
        for (file, key, looked_at_ns), memory in zip(candidates, known, strict=True):
            digest = memory.scanned.content_digest if memory else None
            # A hint of other content is as good as knowledge: a mistake costs a needless fetch.
            if memory is None or (digest == file.content_digest and not memory.is_certain):
                digest = self._digest_of(file.path, key, stop)
                if digest is not None and is_settled(key, looked_at_ns):
                    is_as_hinted = memory and memory.scanned.content_digest == digest
                    scanned = memory.scanned if memory and is_as_hinted else ScannedFile(digest)
                    found.append((key, scanned))
            self._sort(file, is_right=digest == file.content_digest)
        cache.remember(found)

    def _sort(self, file: Wanted, *, is_right: bool) -> None:
        if is_right:
            self.in_place.append(file)
            self.replaced.pop(file.path, None)
        else:
            self.to_fetch.append(file)

    def _status_of(self, path: str) -> os.stat_result | None:
        """Return the stat of the file at a path, None when there is none."""
        place = self.place_of(path)
        directory = os.path.dirname(place)  # noqa: PTH120
        if directory in self._absent_directories:
            return None
        if directory not in self._safe_directories:
            self._check_directory(directory, path)
            if not os.path.isdir(directory):  # noqa: PTH112
                self._absent_directories.add(directory)
                return None
            self._safe_directories.add(directory)
        try:
            status = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(status.st_mode):
            self._check_inside(place, path)
        elif stat.S_ISDIR(status.st_mode):
            raise TargetError(f"{place!r} is a directory; the version has a file there")
        elif not stat.S_ISREG(status.st_mode):
            raise TargetError(f"{place!r} is no regular file, and is not replaced")
        return status

    def _check_directory(self, directory: str, path: str) -> None:
        self._check_inside(directory, path)
        while directory != self.root:
            if os.path.lexists(directory) and not os.path.isdir(directory):  # noqa: PTH112
                raise TargetError(f"{directory!r} is a file; {path!r} needs a directory there")
            directory = os.path.dirname(directory)  # noqa: PTH120

    def _check_inside(self, place: str, path: str) -> None:
        real = os.path.realpath(place)
        if os.path.commonpath([real, self.root]) != self.root:
            raise TargetError(f"{path!r} would be written outside of {self.root!r}, to {real!r}")

    def _digest_of(self, path: str, key: FileKey, stop: Stop) -> bytes | None:
        """Return the digest of what is in place, None when it changes under our eyes."""
        place = self.place_of(path)
        hasher = blake3()
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
        try:
            fd = os.open(place, flags)
        except OSError:  # a link, or gone
            return None
        try:
            while data := os.read(fd, _READ_BYTES):
                hasher.update(data)
                stop.check()
            return hasher.digest() if key_of(place, os.fstat(fd)) == key else None
        finally:
            os.close(fd)


def refuse_case_twins(files: Iterable[Wanted]) -> None:
    """Refuse paths that are one on a disk that ignores case.

    Raises:
        TargetError: two files, or a file and a directory, differ in case only.
    """
    spellings: dict[str, str] = {}
    for file in files:
        path = file.path
        while path:
            other = spellings.setdefault(path.casefold(), path)
            if other != path:
                raise TargetError(f"{other!r} and {path!r} are one: this disk ignores case")
            path = path.rpartition("/")[0]
