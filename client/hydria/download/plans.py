"""How a file is put together: from chunks that are on this machine, and from those that are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from hydria.download.chunk_lists import chunks_of
from hydria.download.frames import Wanted
from hydria.errors import ReceivedDataError
from hydria.scanned_files import FileKey, ScannedFile


class Source(NamedTuple):
    """A local file that may have bytes that are wanted."""

    local: str
    key: FileKey
    scanned: ScannedFile | None = None
    """What it is said to hold. Nobody relies on it: what is made of it is verified whole."""


class Run(NamedTuple):
    """Bytes of the file to be that come from one place in one go."""

    offset: int
    size_bytes: int
    source: Source | None
    """None for what is fetched, and is in its place in the file already."""
    source_offset: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A file to put together."""

    file: Wanted
    listed: ScannedFile
    """Its chunks."""
    runs: list[Run]
    """All of it, in order."""
    missing: dict[bytes, int]
    """Digest and size in bytes of each chunk to fetch, in the order in which they are needed."""
    places: dict[bytes, list[int]]
    """Where in the file these chunks are, in bytes from its beginning."""

    @property
    def missing_bytes(self) -> int:
        """How much has to be fetched."""
        return sum(self.missing.values())


class ChunkIndex:
    """Where on this machine the chunks of some files are."""

    def __init__(self, lists: Iterable[ScannedFile]) -> None:
        self._wanted = {digest for listed in lists for digest, _ in chunks_of(listed)}
        self._places: dict[bytes, tuple[Source, int, int]] = {}

    def add(self, source: Source) -> None:
        """Note which wanted chunks a file has; those that were found before stay where they are."""
        if source.scanned is None:
            return
        offset = 0
        for digest, size_bytes in chunks_of(source.scanned):
            if digest in self._wanted:
                self._places.setdefault(digest, (source, offset, size_bytes))
            offset += size_bytes

    def find(self, digest: bytes, size_bytes: int) -> tuple[Source, int] | None:
        """Return a file that has a chunk, and where in it that begins, in bytes."""
        source, offset, found_bytes = self._places.get(digest, (None, 0, 0))
        return (source, offset) if source and found_bytes == size_bytes else None


def plan_of(file: Wanted, listed: ScannedFile, index: ChunkIndex) -> Plan:
    """Return how to put a file together.

    Raises:
        ReceivedDataError: the list gives two sizes to one chunk.
    """
    plan = Plan(file, listed, runs=[], missing={}, places={})
    offset = 0
    for digest, size_bytes in chunks_of(listed):
        found = index.find(digest, size_bytes)
        if found is None:
            if plan.missing.setdefault(digest, size_bytes) != size_bytes:
                raise ReceivedDataError(f"{file.path!r} has one chunk with two sizes")
            plan.places.setdefault(digest, []).append(offset)
        source, source_offset = found or (None, offset)
        _append(plan.runs, Run(offset, size_bytes, source, source_offset))
        offset += size_bytes
    return plan


def _append(runs: list[Run], run: Run) -> None:
    """Add a run, or make the last one longer by it."""
    if runs:
        last = runs[-1]
        follows = last.source_offset + last.size_bytes == run.source_offset
        if last.source is run.source and follows:
            runs[-1] = last._replace(size_bytes=last.size_bytes + run.size_bytes)
            return
    runs.append(run)
