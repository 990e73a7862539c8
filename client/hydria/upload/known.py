"""Files that were logged before: when nothing changed, one small call makes the version again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from hydria.scan_cache import ScanCache
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
    while batch := list(islice(left, _LOOKUP_FILES)):
        stop.check()
        files = [source for source in batch if isinstance(source, LocalFile)]
        digests = _digests_of(files, cache, keeper) if len(files) == len(batch) else None
        if digests is None:
            return None
        sizes = [file.key.size_bytes for file in files]
        hasher.add_all_stored(zip([file.path for file in files], sizes, digests, strict=True))
        size_bytes += sum(sizes)
        count += len(files)
    return KnownVersion(hasher.digest(), count, size_bytes)


def _digests_of(files: Sequence[LocalFile], cache: ScanCache, keeper: Keeper) -> list[bytes] | None:
    """Return what the files hold, or None when one of them would have to be read."""
    keys = [file.key for file in files]
    if not keeper.keeps:
        return cache.contents(keys)
    digests = []
    for file, scanned in zip(files, cache.find(keys), strict=True):
        if scanned is None:
            return None
        keeper.keep(file, scanned)
        digests.append(scanned.content_digest)
    return digests
