"""A directory on this machine, compared with the list of a version's files, some at a time.

Blocking: for a thread. Everything is read again, whatever was remembered of it: a disk that lost
a bit did not touch the file's times.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blake3 import blake3

from hydria.download.frames import Wanted
from hydria.references.words import Reference
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
    looked at. Neither list is held, so that both may have millions of files: only the paths of
    those that differ are.
    """

    def __init__(self, root: str, *, stop: Stop) -> None:
        self._root = root
        self._stop = stop
        self._locals: Iterator[LocalFile] | None = None
        self._local: LocalFile | None = None
        self.missing: list[str] = []
        self.changed: list[str] = []
        self.extra: list[str] = []

    def check(self, entries: Sequence[Wanted | Reference]) -> Iterator[Step]:
        """Check the next entries of the version; yield now and then.

        Raises:
            OSError: the root is no directory, or something in it cannot be read.
            SourceError: a cycle of links, a dangling link, or something that is no regular file.
            PathInvalidError, DuplicatePathError: a name cannot be in a version.
        """
        step = Step()
        for entry in entries:
            self._stop.check()
            local = self._pass_extra(entry.path)
            if local is not None:
                self._advance()
            if isinstance(entry, Reference):
                continue
            if local is None:
                self.missing.append(entry.path)
                continue
            yield from self._compare(entry, local, step)
            if step.is_due:
                yield step
                step = Step()
        yield step

    def end(self) -> None:
        """Note what the directory has after the last entry of the version. Raises as `check`."""
        self._pass_extra(None)

    def _pass_extra(self, path: str | None) -> LocalFile | None:
        """Note the files that come before `path`, or all, and return the one that has it."""
        if self._locals is None:
            self._begin()
        if self._local is not None and self._local.path == path:
            return self._local
        before = None if path is None else path.encode()
        while self._local is not None and (before is None or self._local.path.encode() < before):
            self._stop.check()
            self.extra.append(self._local.path)
            self._advance()
        return self._local if self._local and self._local.path == path else None

    def _begin(self) -> None:
        if not stat.S_ISDIR(os.stat(self._root).st_mode):  # noqa: PTH116
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._root)
        self._locals = walk([self._root])
        self._advance()

    def _advance(self) -> None:
        assert self._locals is not None
        self._local = next(self._locals, None)

    def _compare(self, file: Wanted, local: LocalFile, step: Step) -> Iterator[Step]:
        step.file_count += 1
        if local.size_bytes != file.size_bytes:
            self.changed.append(file.path)
            return
        hasher = blake3()
        read_bytes = min(file.size_bytes + 1, _READ_BYTES)  # room for much costs more than little
        try:
            descriptor = os.open(local.local, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:  # since the walk came by
            self.missing.append(file.path)
            return
        try:
            while data := os.read(descriptor, read_bytes):
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
