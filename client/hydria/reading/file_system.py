"""Versions as an fsspec file system: `hydria://ENTITY/PROJECT/NAME:ALIAS/PATH`.

fsspec finds it by its entry point, and so does whatever reads through fsspec.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NoReturn, cast

try:
    from fsspec import AbstractFileSystem
except ImportError as error:
    raise ImportError("this needs fsspec: pip install 'hydria[fsspec]'") from error

from hydria.reading.places import place_of
from hydria.reading.ranges import Fetch, Range, fetches_for
from hydria.reading.sync_open_file import SyncOpenFile
from hydria.reading.tree import Entry, Tree
from hydria.sync import Client

_THREADS = 8
_GAP_BYTES_MAX = 64 << 10


class HydriaFileSystem(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """Reads versions, and never writes. Pickled, it connects anew where it is unpickled."""

    protocol = "hydria"

    def __init__(self, address: str | None = None, **storage_options: object) -> None:
        """Make a file system; it connects when it is first used.

        Args:
            address: the server, as for `hydria.Client`.
            storage_options: fsspec's own, such as `skip_instance_cache`.
        """
        super().__init__(**storage_options)
        self._address = address
        self._lock = threading.Lock()
        self._made: Tree | None = None

    # --- what is there --------------------------------------------------------------------------

    def info(self, path: str, **kwargs: object) -> Entry:
        """Return what is known of a file or a directory.

        Raises:
            FileNotFoundError: there is nothing.
        """
        return self._tree.info(place_of(self._strip_protocol(path)))

    def exists(self, path: str, **kwargs: object) -> bool:
        """Tell whether there is a file or a directory. Failures other than that are raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> list[Entry] | list[str]:
        """Return what lies right below a directory, or the file that `path` is."""
        entries = self._tree.entries(place_of(self._strip_protocol(path)))
        return entries if detail else [str(entry["name"]) for entry in entries]

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **kwargs: object,
    ) -> dict[str, Entry] | list[str]:
        """Return all files below a path. All of a version is one list, not one per directory."""
        place = place_of(self._strip_protocol(path))
        if maxdepth is not None or not place.ref:
            found = super().find(place.text, maxdepth, withdirs, detail, **kwargs)
            return cast("dict[str, Entry] | list[str]", found)
        entries: dict[str, Entry] = {}
        try:
            for entry in self._tree.all_files(place):
                name = str(entry["name"])
                entries[name] = entry
                while withdirs and name != place.text:
                    name = self._parent(name)
                    if name in entries:
                        break
                    entries[name] = {"name": name, "size": 0, "type": "directory"}
        except FileNotFoundError:
            pass  # as fsspec has it
        return dict(sorted(entries.items())) if detail else sorted(entries)

    def created(self, path: str) -> datetime:
        """Return when the version was made that a path is in."""
        return self._tree.version(place_of(self._strip_protocol(path))).created_at

    modified = created

    def checksum(self, path: str) -> int:
        """Return a number that is another one for other content."""
        return int(self.ukey(path).removeprefix("blake3:") or "0", 16)

    def ukey(self, path: str) -> str:
        """Return the digest of a file's content."""
        return str(self.info(path).get("digest", ""))

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what is known of versions and files. They do not change; this frees memory."""
        self._tree.forget()
        super().invalidate_cache(path)

    # --- bytes ----------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: object = None,
        **kwargs: object,
    ) -> SyncOpenFile:
        if mode != "rb":
            self._refuse()
        return self._tree.open(place_of(path))

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: object
    ) -> bytes:
        """Return the bytes of a file, or of a range; negative places count from its end."""
        with self._tree.open(place_of(self._strip_protocol(path))) as file:
            if start is None and end is None:
                return file.read()
            begin, until, _ = slice(start, end).indices(file.size_bytes)
            return file.read_at(begin, max(until - begin, 0))

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: int | Sequence[int | None] | None,
        ends: int | Sequence[int | None] | None,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: object,
    ) -> list[bytes | Exception]:
        """Return many ranges; those that lie close together in one file are fetched together."""
        ranges = [
            Range(*each)
            for each in zip(
                range(len(paths)), paths, _each(starts, paths), _each(ends, paths), strict=True
            )
        ]
        found: list[bytes | Exception] = [b""] * len(ranges)

        def read(fetch: Fetch) -> None:
            try:
                data = self.cat_file(fetch.path, fetch.start, fetch.end)
            except Exception as failure:
                if on_error != "return":
                    raise
                for each in fetch.ranges:
                    found[each.index] = failure
            else:
                for each in fetch.ranges:
                    found[each.index] = fetch.part(each, data)

        gap_bytes_max = _GAP_BYTES_MAX if max_gap is None else max_gap
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(read, fetches_for(ranges, gap_bytes_max=gap_bytes_max)))
        return found

    # --- changes: none --------------------------------------------------------------------------

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse whatever would change something.

        Raises:
            OSError: always.
        """
        raise OSError(errno.EROFS, "versions never change; log a new one with hydria.Client")

    mkdir = makedirs = rmdir = rm = rm_file = _rm = mv = _refuse
    cp_file = touch = pipe_file = put_file = _refuse

    @property
    def _tree(self) -> Tree:
        with self._lock:
            if self._made is None:
                self._made = Tree(Client(self._address))
            return self._made


def _each(given: int | Sequence[int | None] | None, paths: Sequence[str]) -> Sequence[int | None]:
    return [given] * len(paths) if given is None or isinstance(given, int) else given
