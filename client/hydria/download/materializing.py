"""Puts verified files in their places: temporary name, sync, rename. Blocking: for a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from blake3 import blake3

from hydria.copying import write_all
from hydria.download.disk import (
    begin_to_write_out,
    ignores_case,
    reserve,
    sync_directories,
    sync_files,
)
from hydria.download.frames import Read, Segment, Wanted
from hydria.download.leaving import Leaving
from hydria.download.targets import Targets, refuse_case_twins
from hydria.download.temporary import TemporaryRoom
from hydria.errors import ReceivedDataError
from hydria.local_cache import LocalCache
from hydria.scanned_files import FileKey, ScannedFile, key_of

_BATCH_FILES = 4096
_BATCH_BYTES = 256 << 20
_WRITE_OUT_BYTES = 16 << 20
# It takes longer to remember smaller files than to fetch them again.
_REMEMBERED_BYTES_MIN = 64 << 10

Remember = Callable[[list[tuple[FileKey, ScannedFile]]], None]


@dataclass(slots=True)
class _Partial:
    """A file of several chunks that is being written."""

    fd: int
    temporary: str
    hasher: blake3 = field(default_factory=blake3)
    offset: int = 0
    written_out_bytes: int = 0
    chunk_digests: list[bytes] = field(default_factory=list)
    chunk_sizes: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that is whole and verified, and not in its place yet."""

    temporary: str
    path: str
    scanned: ScannedFile | None


class Materializer:
    """Writes what is fetched for one download.

    A file that is new in its place appears as soon as it is whole and verified. One that
    replaces another waits until all files have come, so that a download that fails leaves what
    was there alone.
    """

    def __init__(
        self,
        targets: Targets,
        *,
        cache: LocalCache,
        remember: Remember,
        leaving: Leaving,
        syncs: bool,
    ) -> None:
        """Take what to fetch, where to keep it too, and whom to tell what was put where.

        What is replaced goes by way of `leaving`.

        With `syncs` a file gets its name after its bytes would survive a power cut.
        """
        self.syncs = syncs
        self._targets = targets
        self._cache = cache
        self._remember = remember
        self._leaving = leaving
        self._found: list[tuple[FileKey, ScannedFile]] = []
        self.left: dict[str, Wanted] = {file.path: file for file in targets.to_fetch}
        self.files_done = 0
        self.bytes_done = 0
        self.received_bytes = 0
        self._partials: dict[str, _Partial] = {}
        self._ready: list[_Ready] = []
        self._ready_bytes = 0
        self._held: list[_Ready] = []
        self._room: TemporaryRoom | None = None
        self._touched_directories: set[str] = set()

    def begin(self) -> None:
        """Make the room for temporary files.

        Raises:
            OSError: the root cannot be written to.
            TargetError: the disk ignores case, and the version has names that differ in it only.
        """
        self._leaving.wait()
        self._room = TemporaryRoom(self._targets.root)
        if ignores_case(self._room.directory):
            refuse_case_twins([*self._targets.in_place, *self._targets.to_fetch])

    def counts(self) -> list[int]:
        """Return how many files and bytes are done, and how many bytes were received."""
        return [self.files_done, self.bytes_done, self.received_bytes]

    def new_name(self) -> str:
        """Return the path of a temporary file that is not there yet."""
        assert self._room is not None
        return self._room.new_name()

    def place_of(self, path: str) -> str:
        """Return where a path of the version belongs on this machine."""
        return self._targets.place_of(path)

    def take_file(self, temporary: str, file: Wanted) -> None:
        """Take a file that is whole and verified, from its temporary name."""
        self.received_bytes += file.size_bytes
        self._complete(file, temporary, None)

    def wanted(self, path: str) -> Read | None:
        """Return what is still wanted of a file."""
        file = self.left.get(path)
        if file is None:
            return None
        partial = self._partials.get(path)
        return Read(file, offset=partial.offset if partial else 0)

    def take(self, segment: Segment) -> None:
        """Write a segment; the last one of a file completes it.

        Raises:
            OSError: the disk refuses.
            ReceivedDataError: the file does not have the content that was announced.
        """
        file = segment.read.file
        self.received_bytes += len(segment.data)
        if segment.offset == 0 and segment.is_last:
            temporary = self.new_name()
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                write_all(fd, segment.data)
            finally:
                os.close(fd)
            self.adopt(file, temporary, ScannedFile(file.content_digest))
        else:
            self._extend(file, segment)

    def adopt(self, file: Wanted, temporary: str, scanned: ScannedFile) -> None:
        """Take over a whole and verified file under a temporary name, with the list of its chunks.

        Raises:
            OSError: the disk refuses.
        """
        if self._cache.add(file.content_digest, temporary, file.size_bytes):
            self._note(self._cache.place_of(file.content_digest), scanned)
        self._complete(file, temporary, scanned)

    def flush(self, *, is_end: bool = False) -> None:
        """Put complete files in their places, if there are enough of them or no more will come.

        Raises:
            OSError: the disk refuses.
            TargetError: something got into the way meanwhile.
        """
        if is_end:
            self._ready += self._held
            self._held = []
        elif len(self._ready) < _BATCH_FILES and self._ready_bytes < _BATCH_BYTES:
            return
        ready, self._ready, self._ready_bytes = self._ready, [], 0
        if ready and self.syncs:
            sync_files(self._targets.root, [file.temporary for file in ready])
        for file in ready:
            self._touched_directories.add(self._targets.make_directory_for(file.path))
            place = self.place_of(file.path)
            if file.path in self._targets.replaced:
                self._leaving.hold(place, self._targets.replaced[file.path])
            os.rename(file.temporary, place)  # noqa: PTH104
            if file.scanned is not None:
                self._note(place, file.scanned)
        self._leaving.let_go()
        found, self._found = self._found, []
        if found:
            self._remember(found)
        if is_end and self.syncs:
            self._sync_directories()

    def discard(self) -> None:
        """Remove all that is temporary. Does nothing where nothing was begun."""
        for partial in self._partials.values():
            os.close(partial.fd)
        self._partials = {}
        if self._room is not None:
            self._room.close()
        self._leaving.let_go()

    def _extend(self, file: Wanted, segment: Segment) -> None:
        partial = self._partials.get(file.path)
        if partial is None:
            temporary = self.new_name()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            partial = _Partial(os.open(temporary, flags, 0o666), temporary)
            self._partials[file.path] = partial
            if file.path in self._targets.replaced:
                reserve(partial.fd, file.size_bytes)
        write_all(partial.fd, segment.data)
        partial.hasher.update(segment.data)
        partial.offset += len(segment.data)
        partial.chunk_digests.append(segment.digest)
        partial.chunk_sizes.append(len(segment.data))
        if self.syncs and partial.offset - partial.written_out_bytes >= _WRITE_OUT_BYTES:
            begin_to_write_out(partial.fd)
            partial.written_out_bytes = partial.offset
        if segment.is_last:
            del self._partials[file.path]
            os.close(partial.fd)
            if partial.hasher.digest() != file.content_digest:
                raise ReceivedDataError(f"{file.path!r} does not match its digest")
            digests, sizes = b"".join(partial.chunk_digests), tuple(partial.chunk_sizes)
            scanned = ScannedFile(file.content_digest, digests, sizes)
            self.adopt(file, partial.temporary, scanned)

    def _complete(self, file: Wanted, temporary: str, scanned: ScannedFile | None) -> None:
        del self.left[file.path]
        self.files_done += 1
        self.bytes_done += file.size_bytes
        ready = _Ready(temporary, file.path, scanned)
        if file.path in self._targets.replaced:
            self._held.append(ready)
        else:
            self._ready.append(ready)
            self._ready_bytes += file.size_bytes

    def _note(self, local: str, scanned: ScannedFile) -> None:
        """Note what is where now. What changed or went since is found out when it is used."""
        with suppress(OSError):
            status = os.lstat(local)
            if status.st_size >= _REMEMBERED_BYTES_MIN:
                self._found.append((key_of(local, status), scanned))

    def _sync_directories(self) -> None:
        """Make the new names durable: theirs, and those of the directories above them."""
        directories = {self._targets.root}
        for directory in self._touched_directories:
            while directory not in directories:
                directories.add(directory)
                directory = os.path.dirname(directory)  # noqa: PTH120
        sync_directories(self._targets.root, directories)
