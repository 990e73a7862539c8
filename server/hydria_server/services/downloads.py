"""Downloads: many files, prefixes, globs or ranges as one stream of frames."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.digest import format_digest
from hydria_server.domain.errors import (
    BatchTooLargeError,
    ChunkNotFoundError,
    FieldViolationError,
    RangeOutOfBoundsError,
)
from hydria_server.domain.globs import Glob, parse_glob
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.records import Domain, VersionRecord
from hydria_server.services.budget import ByteBudget
from hydria_server.services.chunk_reader import WINDOW_BYTES, WINDOW_CHUNKS, ChunkReader, windows
from hydria_server.services.files import require_prefix
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.read_ahead import read_ahead
from hydria_server.services.recipes import Recipes
from hydria_server.services.versions import Versions

MAX_READS = 10_000
# Each of them is tried on every path of the version.
MAX_GLOBS = 100
# Paths may be 1 KiB long: so many of them leave room for a chunk in a frame of 3 MiB.
WINDOW_FILES = 500


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file or a range of it; a negative offset counts from the end, length 0 is the rest."""

    path: str
    offset: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """What is asked for; no reads, prefixes or globs is everything."""

    ref: str
    reads: Sequence[FileRead] = ()
    prefixes: Sequence[str] = ()
    whole_chunks: bool = False
    globs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FileStart:
    """A file of the download begins: its range resolved to [offset, offset + length)."""

    index: int
    entry: FileEntry
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a file: a whole chunk, or what the range takes of it."""

    file_index: int
    offset: int
    chunk: ChunkRef
    skip: int  # bytes of the chunk before the piece
    size_bytes: int


@dataclass(slots=True)
class Window:
    """What is read from the packs at once, and then sent as one or a few frames."""

    starts: list[FileStart] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    payloads: list[memoryview] = field(default_factory=list)
    read_bytes: int = 0  # of whole chunks, however little of them is asked for

    def is_full(self, upcoming_bytes: int) -> bool:
        """Tell whether a segment of a chunk of that size belongs to the next window."""
        crowded = len(self.segments) >= WINDOW_CHUNKS or len(self.starts) >= WINDOW_FILES
        return crowded or (bool(self.segments) and self.read_bytes + upcoming_bytes > WINDOW_BYTES)


class Downloads:
    """Resolves what is asked for, and reads it one window ahead of the network (I9)."""

    def __init__(
        self,
        versions: Versions,
        manifests: ManifestReader,
        recipes: Recipes,
        reader: ChunkReader,
        budget: ByteBudget,
    ) -> None:
        self._versions = versions
        self._manifests = manifests
        self._recipes = recipes
        self._reader = reader
        self._budget = budget

    async def open(
        self, request: DownloadRequest
    ) -> tuple[VersionRecord, AsyncGenerator[Window, None]]:
        """Return the version, and the windows of its bytes.

        Raises:
            As Versions.get; BatchTooLargeError, FieldViolationError. The windows:
            FileNotFoundInVersionError, RangeOutOfBoundsError, ChunkCorruptError.
        """
        _check(request)
        globs = [parse_glob(glob, field="globs") for glob in request.globs]
        version = await self._versions.get(request.ref)
        return version, read_ahead(self._windows(version, request, globs), let_go=self._let_go)

    async def _windows(
        self, version: VersionRecord, request: DownloadRequest, globs: Sequence[Glob]
    ) -> AsyncGenerator[Window, None]:
        domain = await self._manifests.domain(version)
        window = Window()
        async for start in self._starts(version, request, globs):
            if window.is_full(0):
                yield await self._filled(domain, window)
                window = Window()
            window.starts.append(start)
            async for segment in self._segments(domain, start, request.whole_chunks):
                if window.is_full(segment.chunk.size_bytes):
                    yield await self._filled(domain, window)
                    window = Window()
                window.segments.append(segment)
                window.read_bytes += segment.chunk.size_bytes
            window.finished.append(start.index)
        if window.starts or window.finished:
            yield await self._filled(domain, window)

    async def _filled(self, domain: Domain, window: Window) -> Window:
        await self._budget.acquire(window.read_bytes)
        try:
            chunks = await self._reader.read(domain, [segment.chunk for segment in window.segments])
        except BaseException:
            self._let_go(window)
            raise
        window.payloads = [
            data[segment.skip : segment.skip + segment.size_bytes]
            for data, segment in zip(chunks, window.segments, strict=True)
        ]
        return window

    def _let_go(self, window: Window) -> None:
        self._budget.release(window.read_bytes)

    async def _starts(
        self, version: VersionRecord, request: DownloadRequest, globs: Sequence[Glob]
    ) -> AsyncGenerator[FileStart, None]:
        index = 0
        entries = await self._manifests.files(version, [read.path for read in request.reads])
        for read in request.reads:
            yield _start(index, entries[read.path], read)
            index += 1
        listings = [self._manifests.entries(version, prefix=each) for each in request.prefixes]
        if globs or not (request.prefixes or request.reads):
            listings.append(self._manifests.entries(version, globs=globs))
        for listing in listings:
            async for batch in listing:
                for entry in batch:
                    if not entry.is_reference:
                        yield FileStart(index, entry, 0, entry.size_bytes)
                        index += 1

    async def _segments(
        self, domain: Domain, start: FileStart, whole_chunks: bool
    ) -> AsyncGenerator[Segment, None]:
        begin, end = start.offset, start.offset + start.length
        async for chunks in self._recipes.chunks_between(domain, start.entry, begin, end):
            for chunk in chunks:
                offset, size = chunk.offset, chunk.ref.size_bytes
                skip = 0 if whole_chunks else max(0, begin - offset)
                last = size if whole_chunks else min(offset + size, end) - offset
                yield Segment(start.index, offset + skip, chunk.ref, skip, last - skip)

    async def fetch_chunks(
        self, ref: str, digests: Sequence[bytes], *, paths: Sequence[str] = ()
    ) -> AsyncGenerator[tuple[list[ChunkRef], list[memoryview]], None]:
        """Yield chunks of a version, or of some of its files, by digest, in the order asked.

        I10: a chunk that the store has but the version has not is not found.

        Raises:
            As Versions.get; BatchTooLargeError, FileNotFoundInVersionError, ChunkNotFoundError,
            ChunkCorruptError.
        """
        require_few("paths", len(paths))
        version = await self._versions.get(ref)
        domain = await self._manifests.domain(version)
        sizes = await self._sizes_within(version, domain, set(digests), paths)
        if len(sizes) < len(set(digests)):
            missing = next(digest for digest in digests if digest not in sizes)
            raise ChunkNotFoundError(
                f"{version.ref} has no such chunk", details={"digest": format_digest(missing)}
            )
        for window in windows(ChunkRef(digest, sizes[digest]) for digest in digests):
            async with self._budget.hold(sum(ref.size_bytes for ref in window)):
                yield window, await self._reader.read(domain, window)

    async def _sizes_within(
        self, version: VersionRecord, domain: Domain, wanted: set[bytes], paths: Sequence[str]
    ) -> dict[bytes, int]:
        """Return the sizes of those wanted chunks that the version's files consist of."""
        sizes: dict[bytes, int] = {}
        batches = self._manifests.entries_of(version, paths)
        try:
            async for batch in batches:
                for entry in batch:
                    for chunk in await self._recipes.chunks(domain, entry):
                        if chunk.digest in wanted:
                            sizes[chunk.digest] = chunk.size_bytes
                if len(sizes) == len(wanted):
                    break
        finally:
            await batches.aclose()
        return sizes


def _start(index: int, entry: FileEntry, read: FileRead) -> FileStart:
    if entry.is_reference:
        raise FieldViolationError("reads", f"{entry.path[:200]!r} is a reference, stored elsewhere")
    size = entry.size_bytes
    offset = max(0, size + read.offset) if read.offset < 0 else read.offset
    if offset > size:
        raise RangeOutOfBoundsError(
            f"{entry.path[:200]!r} has {size} bytes; the range begins at {offset}",
            details={"path": entry.path[:500], "size_bytes": str(size)},
        )
    length = min(read.length, size - offset) if read.length else size - offset
    return FileStart(index, entry, offset, length)


def _check(request: DownloadRequest) -> None:
    require_few("reads", len(request.reads))
    require_few("prefixes", len(request.prefixes))
    require_few("globs", len(request.globs), MAX_GLOBS)
    for prefix in request.prefixes:
        require_prefix(prefix)


def require_few(field_name: str, count: int, limit: int = MAX_READS) -> None:
    """Return when a request does not name too many files.

    Raises:
        BatchTooLargeError: it does.
    """
    if count > limit:
        raise BatchTooLargeError(
            f"{count} {field_name} are more than {limit}", details={"limit": str(limit)}
        )
