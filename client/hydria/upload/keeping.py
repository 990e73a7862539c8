"""Keeps in the local cache what is logged, for who wants that."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hydria.copying import copy_verified
from hydria.local_cache import LocalCache
from hydria.scan_cache import ScanCache
from hydria.scanned_files import FileKey, ScannedFile, key_of
from hydria.threads import Stop
from hydria.upload.sources import BytesFile, Source

_NOTED_FILES = 5000


class Keeper:
    """Fills the cache for one scan. Blocking: for the thread of the scan.

    A file may have changed since it was scanned, so that each is copied as a download copies what
    is here: verified. What has changed is not kept, and that is no error.
    """

    def __init__(self, cache: LocalCache, memory: ScanCache, stop: Stop) -> None:
        """Take where to keep things, and what remembers of which chunks they consist."""
        self._cache = cache
        self._memory = memory
        self._stop = stop
        self._found: list[tuple[FileKey, ScannedFile]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._note()
        self._cache.close()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._cache.keeps

    def keep(self, source: Source, scanned: ScannedFile) -> None:
        """Keep a file, unless it is there or nothing is to be kept.

        Raises:
            StoppedError: the scan was stopped.
        """
        cache, digest = self._cache, scanned.content_digest
        if not cache.keeps:
            return

        def fill(temporary: str) -> bool:
            if isinstance(source, BytesFile):
                Path(temporary).write_bytes(source.data)
                return True
            return copy_verified(source.local, temporary, digest, source.size_bytes, self._stop)

        if cache.fill(digest, source.size_bytes, fill):
            place = cache.place_of(digest)
            with suppress(OSError):
                self._found.append((key_of(place, os.lstat(place)), scanned))
            if len(self._found) >= _NOTED_FILES:
                self._note()

    def _note(self) -> None:
        found, self._found = self._found, []
        self._memory.remember(found, is_certain=False)
