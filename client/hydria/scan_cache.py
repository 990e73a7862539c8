"""What files were found to hold when they were last read, so that they need not be read again.

A file is the same as long as its path, size, times and inode are. It is not remembered when it
changed within the two seconds before it was looked at: another change in the same tick of the
file system's clock would not show. What a download has put in its place is always that young, so
it is kept as a hint: good enough to look for chunks there, where the result is verified, and to
tell that a file is not the wanted one; not good enough to upload it unread. The cache only ever
saves work: what is wrong with it (locked by others, damaged, no room) makes a file unknown, and is
never an error.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import platformdirs
import xxhash

from hydria.digests import DIGEST_BYTES
from hydria.records import ChunkerParameters
from hydria.scanned_files import FileKey, ScannedFile

FILE_NAME = "scan-v1.sqlite3"
SIZE_BYTES_MAX = 1 << 30

_LOCK_SECONDS = 1.0
_LOOKUP_ROWS = 500
_NUMBERS = struct.Struct("<qqqq")
_HINT = 1
_GUARD_OFFSET = 1 << 63
# As the columns of the table. What is stored may be of any type: the guard tells.
_Row = tuple[bytes, int, int, int, int, object, int]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY,
    size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    content BLOB, guard INTEGER
) WITHOUT ROWID
"""

_SELECT = "SELECT path, size, mtime_ns, ctime_ns, inode, content, guard FROM files"


class Memory(NamedTuple):
    """What is remembered of a file, and whether that may be relied on unread."""

    scanned: ScannedFile
    is_certain: bool


def default_directory() -> Path:
    """Return the user's cache directory, or `HYDRIA_CACHE_DIR`."""
    named = os.environ.get("HYDRIA_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("hydria")


class ScanCache:
    """One opened cache. Several processes may have it open; one thread uses one object."""

    def __init__(self, directory: Path, chunker: ChunkerParameters) -> None:
        self._file = directory / FILE_NAME
        # Lists made with other parameters are of no use, and do not pass the guard.
        self._seed = xxhash.xxh3_64_intdigest(repr(chunker).encode())
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        self._database = self._open_or_begin_anew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def find(self, keys: Sequence[FileKey]) -> list[ScannedFile | None]:
        """Return what is known of each file, None for what is not."""
        return [_unpack(content) if content else None for content in self._certain(keys)]

    def contents(self, keys: Sequence[FileKey]) -> list[bytes] | None:
        """Return the content digest of each file, as `find` would, or None if any is not known."""
        known = [content[:DIGEST_BYTES] for content in self._certain(keys) if content]
        return known if len(known) == len(keys) else None

    def recall(self, keys: Sequence[FileKey]) -> list[Memory | None]:
        """Return what is remembered of each file, hints too, None for nothing."""
        rows = self._rows(keys)
        return [self._memory(key, rows.get(key.path)) for key in keys]

    def _rows(self, keys: Sequence[FileKey]) -> dict[bytes, _Row]:
        rows: dict[bytes, _Row] = {}
        for start in range(0, len(keys), _LOOKUP_ROWS):
            paths = [key.path for key in keys[start : start + _LOOKUP_ROWS]]
            found = self._between(min(paths), max(paths), rows_max=2 * len(paths))
            if found is None:
                marks = ",".join("?" * len(paths))
                found = self._run(f"{_SELECT} WHERE path IN ({marks})", paths)
            rows |= {row[0]: row for row in found}
        return rows

    def _between(self, first: bytes, last: bytes, *, rows_max: int) -> list[_Row] | None:
        """Return all rows between two paths, None when there are too many.

        A walk asks for what lies side by side, and then this takes half the time.
        """
        limit = rows_max + 1
        found = self._run(f"{_SELECT} WHERE path BETWEEN ? AND ? LIMIT ?", (first, last, limit))
        return found if len(found) < limit else None

    def remember(
        self, found: Iterable[tuple[FileKey, ScannedFile]], *, is_certain: bool = True
    ) -> None:
        """Keep what was found, in one transaction, or not at all; as hints unless `is_certain`."""
        rows = []
        for key, scanned in found:
            content = _pack(scanned)
            guard = self._guard(key, content, is_certain=is_certain)
            if guard is not None:
                rows.append((*key, content, guard))
        if self._database is None or not rows:
            return
        try:
            with self._database:
                self._database.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows
                )
        except sqlite3.DatabaseError as error:
            self._give_up(error)

    def _certain(self, keys: Sequence[FileKey]) -> list[bytes | None]:
        """Return what is kept of each file, None where it may not be relied on.

        A hundred thousand unchanged files take this way: a call of `_guard` for each, and a
        generator in place of the list, make all of it take a sixth longer.
        """
        rows, seed = self._rows(keys), self._seed
        pack, hash_of = _NUMBERS.pack, xxhash.xxh3_64_intdigest
        kept: list[bytes | None] = []
        for key in keys:
            row = rows.get(key[0])
            certain = None
            content, guard = row[5:] if row is not None and row[:5] == key else (None, None)
            if type(content) is bytes:
                path, size_bytes, mtime_ns, ctime_ns, inode = key
                try:
                    text = pack(size_bytes, mtime_ns, ctime_ns, inode) + content + path
                except struct.error:  # as in `_guard`
                    text = b""
                if hash_of(text, seed) - _GUARD_OFFSET == guard:
                    certain = content
            kept.append(certain)
        return kept

    def _memory(self, key: FileKey, row: _Row | None) -> Memory | None:
        if row is None:
            return None
        kept, (content, guard) = FileKey(*row[:5]), row[5:]
        # With another ctime the file was changed behind its mtime's back, or merely linked to. That
        # is good enough for a hint.
        if type(content) is not bytes or kept._replace(ctime_ns=key.ctime_ns) != key:
            return None
        for is_certain in (True, False):
            if guard == self._guard(kept, content, is_certain=is_certain):
                scanned = _unpack(content)
                return scanned and Memory(scanned, is_certain and kept == key)
        return None

    def _guard(self, key: FileKey, content: bytes, *, is_certain: bool) -> int | None:
        """Return what shows a damaged row: 64 bits over all of it, as SQLite's signed integer.

        Hints have another one, so that nobody who does not ask for hints takes them for knowledge.
        """
        path, size_bytes, mtime_ns, ctime_ns, inode = key
        try:
            text = _NUMBERS.pack(size_bytes, mtime_ns, ctime_ns, inode) + content + path
        except struct.error:  # a time outside 1678-2262, an inode over 63 bits, a damaged row
            return None
        seed = self._seed if is_certain else self._seed ^ _HINT
        return xxhash.xxh3_64_intdigest(text, seed) - _GUARD_OFFSET

    def _run(self, statement: str, values: Sequence[bytes | int]) -> list[_Row]:
        if self._database is None:
            return []
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            self._give_up(error)
            return []

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Go on without the cache; a damaged one is moved out of the next one's way."""
        self._close()
        if not isinstance(error, sqlite3.OperationalError):
            self._set_aside()

    def _open_or_begin_anew(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                if self._file.exists() and self._file.stat().st_size > SIZE_BYTES_MAX:
                    self._set_aside()
                return self._open()
            except sqlite3.OperationalError:
                return None
            except sqlite3.DatabaseError:
                self._set_aside()
            except OSError:
                return None
        return None

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self._file, timeout=_LOCK_SECONDS)
        try:
            # A lost or torn cache costs time only, and a WAL does not work on every network disk.
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA journal_mode = TRUNCATE")
            database.execute(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self) -> None:
        """Keep one damaged file, for whoever wants to know; its journal must not outlive it."""
        for name in (f"{FILE_NAME}-journal", FILE_NAME):
            file = self._file.with_name(name)
            with suppress(OSError):
                file.replace(file.with_name(f"{name}.damaged"))

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()


def _pack(scanned: ScannedFile) -> bytes:
    sizes = b"".join(size.to_bytes(4, "little") for size in scanned.chunk_sizes)
    return scanned.content_digest + scanned.chunk_digests + sizes


def _unpack(content: bytes) -> ScannedFile | None:
    if len(content) == DIGEST_BYTES:
        return ScannedFile(content)
    digest, chunks = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    count, rest = divmod(len(chunks), 36)
    if rest or len(digest) != DIGEST_BYTES:
        return None
    sizes = memoryview(chunks)[32 * count :]
    return ScannedFile(
        content_digest=digest,
        chunk_digests=chunks[: 32 * count],
        chunk_sizes=tuple(
            int.from_bytes(sizes[at : at + 4], "little") for at in range(0, 4 * count, 4)
        ),
    )
