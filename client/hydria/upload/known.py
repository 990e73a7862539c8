"""Files that were logged before: when nothing changed, one small call makes the version again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from hydria.scan_cache import ScanCache, key_of
from hydria.threads import Stop
from hydria.upload.keeping import Keeper
from hydria.upload.sources import Source
from hydria.version_digest import VersionHasher
from hydria.walk import LocalFile

_LOOKUP_FILES = 500


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """What local files come to, found out without reading any of them."""

    digest: bytes
    """The version digest."""
    file_count: int
    size_bytes: int


def known_version(
    sources: Iterable[Source], cache: ScanCache, keeper: Keeper, stop: Stop
) -> KnownVersion | None:
    """Return what `sources` come to, or None as soon as one of them would have to be read.

    Raises:
        OSError, HydriaError: the walk over the sources found something wrong.
        StoppedError: it was stopped.
    """
    hasher, count, size_bytes = VersionHasher(), 0, 0
    left = iter(sources)
    keeps = keeper.keeps
    while batch := list(islice(left, _LOOKUP_FILES)):
        stop.check()
        files = [source for source in batch if isinstance(source, LocalFile)]
        if len(files) < len(batch):
            return None
        keys = [key_of(file.local, file.status) for file in files]
        found = cache.find(keys)
        for file, key, scanned in zip(files, keys, found, strict=True):
            if scanned is None:
                return None
            hasher.add_stored(file.path, key.size_bytes, scanned.content_digest)
            size_bytes += key.size_bytes
            if keeps:
                keeper.keep(file, scanned)
        count += len(files)
    return KnownVersion(hasher.digest(), count, size_bytes)
