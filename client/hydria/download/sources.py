"""Which local files may have what is wanted: older versions, the same files under other names."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from hydria.download.frames import Wanted
from hydria.download.plans import Plan, Source
from hydria.download.temporary import ROOM_PREFIX
from hydria.errors import SourceError
from hydria.scan_cache import ScanCache
from hydria.scanned_files import ScannedFile, key_of
from hydria.threads import Stop
from hydria.walk import LocalFile

# A root may be a home directory: what is looked at is a small multiple of what is wanted.
_ENTRIES_MIN = 10_000
_ENTRIES_PER_WANTED = 4
_LOOKUP_FILES = 500
# To read and cut a file again must have a prospect of sparing more than that.
_MISSING_BYTES_TO_CUT = 4 << 20

Found = tuple[str, os.stat_result]
Cut = Callable[[LocalFile], ScannedFile]


class Sources:
    """The files below some directories, as far as they may help. Blocking: for a thread."""

    def __init__(self, roots: Sequence[str], wanted: Sequence[Wanted], *, large_bytes: int) -> None:
        """Take the directories to look in, the most likely first, and what is wanted.

        Args:
            roots: real paths of directories.
            wanted: the files.
            large_bytes: files of more bytes consist of several chunks.
        """
        self._roots = roots
        self._wanted = wanted
        self._large_bytes = large_bytes
        self._digests = {file.content_digest: file.size_bytes for file in wanted}
        self.whole: dict[bytes, Source] = {}
        """By its digest, a file that is said to have the content of a wanted one."""
        self.chunked: list[Source] = []
        """Files of several chunks, which are remembered."""
        self._unknown: list[Source] = []
        """Large files that nothing is known of."""

    @property
    def has_chunks(self) -> bool:
        """Whether a file of several chunks was found, which may have some that are wanted."""
        return bool(self.chunked or self._unknown)

    def find(self, memory: ScanCache, others: Iterable[Found], stop: Stop) -> None:
        """Look at what is in the directories, and at the large ones of `others`."""
        seen: set[str] = set()
        candidates = self._candidates(others)
        while batch := list(islice(candidates, _LOOKUP_FILES)):
            stop.check()
            fresh = [found for found in batch if found[0] not in seen]
            seen.update(local for local, _ in fresh)
            keys = [key_of(local, status) for local, status in fresh]
            for (local, _), key, known in zip(fresh, keys, memory.recall(keys), strict=True):
                self._sort(Source(local, key, known and known.scanned))

    def cut_for(self, plan: Plan, cut: Cut) -> Source | None:
        """Read the unknown file that is most like a wanted one, if that may pay.

        Each is read once at most.
        """
        if plan.missing_bytes < _MISSING_BYTES_TO_CUT:
            return None
        candidate = self._most_like(plan.file)
        if candidate is None:
            return None
        self._unknown.remove(candidate)
        with suppress(OSError, SourceError):
            key = key_of(candidate.local, os.lstat(candidate.local))
            source = Source(candidate.local, key, cut(LocalFile(plan.file.path, key)))
            self.chunked.append(source)
            return source
        return None

    def _most_like(self, file: Wanted) -> Source | None:
        """Return the file with the same path, else name, else a size that is not far off."""
        place = f"/{file.path}"
        name = place[place.rindex("/") :]
        likely = [
            source
            for source in self._unknown
            if source.local.endswith(name)
            or file.size_bytes <= 2 * source.key.size_bytes <= 4 * file.size_bytes
        ]
        return min(
            likely,
            key=lambda source: (
                not source.local.endswith(place),
                not source.local.endswith(name),
                abs(source.key.size_bytes - file.size_bytes),
            ),
            default=None,
        )

    def _sort(self, source: Source) -> None:
        scanned, size_bytes = source.scanned, source.key.size_bytes
        if scanned and self._digests.get(scanned.content_digest) == size_bytes:
            self.whole.setdefault(scanned.content_digest, source)
        if size_bytes <= self._large_bytes:
            return
        if scanned and scanned.chunk_sizes:
            self.chunked.append(source)
        else:
            self._unknown.append(source)

    def _candidates(self, others: Iterable[Found]) -> Iterator[Found]:
        for root in self._roots:
            for file in self._wanted:
                if file.size_bytes > self._large_bytes:
                    yield from _regular(f"{root}/{file.path}")
        for local, status in others:
            if status.st_size > self._large_bytes:
                yield local, status
        left = max(_ENTRIES_MIN, _ENTRIES_PER_WANTED * len(self._wanted))
        for root in self._roots:
            for found in _walk(root):
                left -= 1
                if left < 0:
                    return
                yield from found


def _walk(root: str) -> Iterator[list[Found]]:
    """Yield each entry below a root, the shallow ones first: a file, or nothing for the others."""
    directories = deque([root])
    while directories:
        with suppress(OSError), os.scandir(directories.popleft()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(ROOM_PREFIX):
                        directories.append(entry.path)
                    yield []
                else:
                    yield _regular(entry.path)


def _regular(local: str) -> list[Found]:
    """Return a file with its stat, or nothing when it is not there, or is a link, pipe or so."""
    try:
        status = os.lstat(local)
    except OSError:
        return []
    return [(local, status)] if stat.S_ISREG(status.st_mode) and status.st_size else []
