"""Reads, cuts and hashes files, in a thread of its own, and hands them over window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from blake3 import blake3

from hydria.chunking import Chunker
from hydria.digests import DIGEST_BYTES, EMPTY_CONTENT_DIGEST
from hydria.errors import SourceChangedError
from hydria.scan_cache import ScanCache
from hydria.scanned_files import FileKey, ScannedFile
from hydria.threads import Stop
from hydria.upload.buffers import BufferPool
from hydria.upload.pieces import (
    Entry,
    Piece,
    Window,
    recipes_of,
)
from hydria.upload.sources import OpenSource, Source, looked_at_again, open_source
from hydria.walk import LocalFile

READS_MAX = 3  # one, and two more when the file changed meanwhile
PIECES_PER_WINDOW_MAX = 4096
_REMEMBERED_PIECES_MAX = 8192
_LOOKUP_FILES = 500
_REMEMBER_FILES = 5000


Keep = Callable[[Source, ScannedFile], None]


class _ChangedError(Exception):
    """The file changed while it was read."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What a scan needs to know, whatever it scans."""

    pool: BufferPool
    """For what is read. Shared by all uploads of a client."""
    remembered_pool: BufferPool
    """For windows of files that need not be read: they hold no bytes, but must not pile up."""
    chunker: Chunker
    chunks_per_entry_max: int
    trust_cache: bool
    """False reads every file, and remembers what it finds."""


class Scanner:
    """One scan. Runs in a thread; `emit` is called there with every full window."""

    def __init__(
        self,
        settings: ScanSettings,
        *,
        cache: ScanCache,
        emit: Callable[[Window], None],
        stop: Stop,
        keep: Keep | None = None,
    ) -> None:
        """Take what remembers files, what gets windows, and what gets the scanned files."""
        self._settings = settings
        self._cache = cache
        self._emit = emit
        self._stop = stop
        self._keep = keep
        self._window: Window | None = None
        self._remembered: Window | None = None
        self._found: list[tuple[FileKey, ScannedFile]] = []

    def scan(self, sources: Iterable[Source]) -> None:
        """Scan all sources, in their order.

        Raises:
            OSError: a file cannot be read.
            SourceError: a file is not regular any more, or kept changing.
            StoppedError: the scan was stopped.
        """
        try:
            for source, known in self._looked_up(iter(sources)):
                self._stop.check()
                if known is None:
                    self._read(source)
                else:
                    self._add_remembered(source, known)
            self._emit_window()
            self._emit_remembered()
        finally:
            self._give_back()
            self._cache.remember(self._found)

    def _looked_up(self, sources: Iterator[Source]) -> Iterator[tuple[Source, ScannedFile | None]]:
        while batch := list(islice(sources, _LOOKUP_FILES)):
            known: dict[str, ScannedFile | None] = {}
            if self._settings.trust_cache:
                files = [source for source in batch if isinstance(source, LocalFile)]
                keys = [file.key for file in files]
                known = dict(
                    zip((file.path for file in files), self._cache.find(keys), strict=True)
                )
            for source in batch:
                yield source, known.get(source.path)

    # --- files that are read --------------------------------------------------------------------

    def _read(self, source: Source) -> None:
        for _ in range(READS_MAX):
            reading = open_source(source)
            try:
                entry = self._read_once(source.path, reading)
                key = reading.cache_key()
            except _ChangedError:
                source = looked_at_again(source)
                continue
            finally:
                reading.close()
            scanned = ScannedFile(entry.content_digest, entry.chunk_digests, entry.chunk_sizes)
            self._remember(key, scanned)
            if self._keep is not None:
                self._keep(source, scanned)
            return
        name = source.local if isinstance(source, LocalFile) else source.path
        raise SourceChangedError(f"{name!r} changed each of the {READS_MAX} times it was read")

    def _read_once(self, path: str, reading: OpenSource) -> Entry:
        if reading.size_bytes <= self._settings.chunker.max_bytes:
            return self._read_small(path, reading)
        return self._read_large(path, reading)

    def _read_small(self, path: str, reading: OpenSource) -> Entry:
        size_bytes = reading.size_bytes
        window = self._window_with_room(size_bytes)
        data = window.buffer.view[window.used_bytes : window.used_bytes + size_bytes]
        if reading.read_into(data) < size_bytes or reading.has_changed():
            raise _ChangedError
        digest = EMPTY_CONTENT_DIGEST
        if size_bytes:
            digest = blake3(data).digest()
            window.pieces.append(Piece(digest, size_bytes, data))
            window.used_bytes += size_bytes
            window.content_bytes += size_bytes
        entry = Entry(path, size_bytes, digest)
        window.entries.append(entry)
        return entry

    def _read_large(self, path: str, reading: OpenSource) -> Entry:
        hasher = blake3()
        digests: list[bytes] = []
        sizes: list[int] = []
        left, carry = reading.size_bytes, b""
        while left:
            window = self._window_with_room(self._settings.pool.buffer_bytes // 2)
            room = window.buffer.view[window.used_bytes :]
            room[: len(carry)] = carry
            fresh = room[len(carry) : len(carry) + left]
            if reading.read_into(fresh) < len(fresh):
                raise _ChangedError
            hasher.update(fresh)
            window.content_bytes += len(fresh)
            left -= len(fresh)
            data = room[: len(carry) + len(fresh)]
            used = self._cut(window, data, digests, sizes, is_end=not left)
            carry = bytes(data[used:])
            self._stop.check()
        if reading.has_changed():
            raise _ChangedError
        return self._finish_large(path, reading.size_bytes, hasher.digest(), digests, sizes)

    def _cut(
        self,
        window: Window,
        data: memoryview,
        digests: list[bytes],
        sizes: list[int],
        *,
        is_end: bool,
    ) -> int:
        """Cut `data` into pieces of `window`, and return how many bytes of it they took."""
        at = 0
        for size in self._settings.chunker.cut(data, is_end=is_end):
            chunk = data[at : at + size]
            digest = blake3(chunk).digest()
            window.pieces.append(Piece(digest, size, chunk))
            digests.append(digest)
            sizes.append(size)
            at += size
        window.used_bytes += at
        return at

    def _finish_large(
        self, path: str, size_bytes: int, content: bytes, digests: list[bytes], sizes: list[int]
    ) -> Entry:
        window = self._window_with_room(0)
        scanned = ScannedFile(content, b"".join(digests), tuple(sizes))
        entry = self._entry(path, size_bytes, scanned, window)
        window.entries.append(entry)
        return entry

    def _remember(self, key: FileKey | None, scanned: ScannedFile) -> None:
        if key is None:
            return
        self._found.append((key, scanned))
        if len(self._found) >= _REMEMBER_FILES:
            found, self._found = self._found, []
            self._cache.remember(found)

    # --- files that are known -------------------------------------------------------------------

    def _add_remembered(self, source: Source, known: ScannedFile) -> None:
        assert isinstance(source, LocalFile)
        window = self._remembered
        if window is None:
            pool = self._settings.remembered_pool
            window = self._remembered = Window(buffer=pool.acquire(self._stop), pool=pool)
        size_bytes = source.size_bytes
        window.pieces.extend(_pieces_to_read(source, known))
        window.entries.append(self._entry(source.path, size_bytes, known, window))
        window.content_bytes += size_bytes
        if self._keep is not None:
            self._keep(source, known)
        if max(len(window.pieces), len(window.entries)) >= _REMEMBERED_PIECES_MAX:
            self._emit_remembered()

    def _entry(self, path: str, size_bytes: int, scanned: ScannedFile, window: Window) -> Entry:
        """Return the entry of a scanned file; recipes become pieces of `window`."""
        recipe_digests = b""
        if len(scanned.chunk_sizes) > self._settings.chunks_per_entry_max:
            for recipe in recipes_of(scanned.chunk_digests, scanned.chunk_sizes):
                digest = blake3(recipe).digest()
                recipe_digests += digest
                data = memoryview(recipe)
                window.pieces.append(Piece(digest, len(recipe), data, is_content=False))
        return Entry(path, size_bytes, *scanned, recipe_digests)

    # --- windows --------------------------------------------------------------------------------

    def _window_with_room(self, size_bytes: int) -> Window:
        """Return the window that is being filled, or a fresh one when it is too full."""
        window = self._window
        pool = self._settings.pool
        if window is not None and (
            window.used_bytes + size_bytes > pool.buffer_bytes
            or max(len(window.pieces), len(window.entries)) >= PIECES_PER_WINDOW_MAX
        ):
            self._emit_window()
            window = None
        if window is None:
            window = self._window = Window(buffer=pool.acquire(self._stop), pool=pool)
        return window

    def _emit_window(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            self._emit(window)

    def _emit_remembered(self) -> None:
        window, self._remembered = self._remembered, None
        if window is not None:
            self._emit(window)

    def _give_back(self) -> None:
        """Release what was begun and not handed over."""
        for window in (self._window, self._remembered):
            if window is not None:
                window.release()
        self._window = self._remembered = None


def _pieces_to_read(source: LocalFile, known: ScannedFile) -> Iterator[Piece]:
    """Yield the chunks of a remembered file, which has to be read if one of them is missing."""
    if known.chunk_sizes:
        for at, size in enumerate(known.chunk_sizes):
            digest = known.chunk_digests[DIGEST_BYTES * at : DIGEST_BYTES * (at + 1)]
            yield Piece(digest, size, None, source)
    elif source.size_bytes:
        yield Piece(known.content_digest, source.size_bytes, None, source)
