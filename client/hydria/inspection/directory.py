"""A directory on this machine, compared with the list of a version's files.

Blocking: for a thread. Everything is read again, whatever was remembered of it: a disk that lost
a bit did not touch the file's times.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from blake3 import blake3

from hydria.download.frames import Wanted
from hydria.threads import Stop
from hydria.walk import LocalFile, walk

_READ_BYTES = 1 << 20
_STEP_BYTES = 16 << 20
_STEP_FILES = 500


@dataclass(slots=True)
class Step:
    """What was done since the step before."""

    file_count: int = 0
    size_bytes: int = 0

    @property
    def is_due(self) -> bool:
        """Whether it is time to tell."""
        return self.size_bytes >= _STEP_BYTES or self.file_count >= _STEP_FILES


class DirectoryCheck:
    """Merges the files of a directory with those of a version, both sorted by path.

    Links are followed, as when the directory is logged. What is where a reference belongs is not
    looked at.
    """

    def __init__(
        self, root: str, stored: Sequence[Wanted], references: Collection[str], *, stop: Stop
    ) -> None:
        self._root = root
        self._stored = stored
        self._references = frozenset(references)
        self._stop = stop
        self.missing: list[str] = []
        self.changed: list[str] = []
        self.extra: list[str] = []

    def steps(self) -> Iterator[Step]:
        """Check everything; yield now and then.

        Raises:
            OSError: the root is no directory, or something in it cannot be read.
            SourceError: a cycle of links, a dangling link, or something that is no regular file.
            PathInvalidError, DuplicatePathError: a name cannot be in a version.
        """
        if not stat.S_ISDIR(os.stat(self._root).st_mode):  # noqa: PTH116
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._root)
        at, step = 0, Step()
        for local in walk([self._root]):
            self._stop.check()
            at = self._pass_missing(at, local.path.encode())
            if at < len(self._stored) and self._stored[at].path == local.path:
                yield from self._compare(self._stored[at], local, step)
                at += 1
            elif local.path not in self._references:
                self.extra.append(local.path)
            if step.is_due:
                yield step
                step = Step()
        self.missing.extend(file.path for file in self._stored[at:])
        yield step

    def _pass_missing(self, at: int, path: bytes) -> int:
        """Note the files of the version that would have come before `path`."""
        while at < len(self._stored) and self._stored[at].path.encode() < path:
            self.missing.append(self._stored[at].path)
            at += 1
        return at

    def _compare(self, file: Wanted, local: LocalFile, step: Step) -> Iterator[Step]:
        step.file_count += 1
        if local.size_bytes != file.size_bytes:
            self.changed.append(file.path)
            return
        hasher = blake3()
        try:
            descriptor = os.open(local.local, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:  # since the walk came by
            self.missing.append(file.path)
            return
        try:
            while data := os.read(descriptor, _READ_BYTES):
                self._stop.check()
                hasher.update(data)
                step.size_bytes += len(data)
                if step.is_due:
                    yield Step(step.file_count, step.size_bytes)
                    step.file_count = step.size_bytes = 0
        finally:
            os.close(descriptor)
        if hasher.digest() != file.content_digest:
            self.changed.append(file.path)
