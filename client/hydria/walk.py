"""Which local files make up a version, and under which paths.

The contents of a directory go to the root, a file goes under its name, links are followed. Files
come in the order of their paths' UTF-8 bytes, one directory at a time in memory, so that a
million of them need no list.
"""

from __future__ import annotations

import heapq
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from hydria.errors import DuplicatePathError, PathInvalidError, SourceError
from hydria.paths import PATH_BYTES_MAX, check_path, normalize_path
from hydria.scanned_files import FileKey, key_of


class LocalFile(NamedTuple):
    """A regular file to be logged, as the walk found it.

    Small, because a directory may have a million: of its stat, the key has what is needed.
    """

    path: str
    """In the version."""
    key: FileKey

    @property
    def local(self) -> str:
        """Where it is on this machine; a name that is no UTF-8 has surrogate escapes."""
        return self.key.local

    @property
    def size_bytes(self) -> int:
        """How many bytes it had when the walk came by."""
        return self.key.size_bytes


class _Subdirectory(NamedTuple):
    """A directory that the walk comes to, under a path that ends with a slash."""

    path: str
    local: str
    identity: tuple[int, int]


_Entry = LocalFile | _Subdirectory


@dataclass(slots=True)
class _Directory:
    """A directory that the walk is in, and what of it is still to come."""

    identity: tuple[int, int]
    entries: Iterator[_Entry]


def walk(sources: Iterable[str | os.PathLike[str]], *, prefix: str = "") -> Iterator[LocalFile]:
    """Yield the files of all sources, sorted by path; `prefix` is put before every path.

    Raises:
        OSError: a source, or something in it, cannot be read.
        SourceError: a cycle of links, a dangling link, or something that is no regular file.
        PathInvalidError: a name cannot be part of a path in a version.
        DuplicatePathError: two files would have the same path, or the same one in NFC.
    """
    walks = [_walk_source(os.fspath(source), prefix) for source in sources]
    if len(walks) == 1:  # nothing to merge, and a tree has no path twice
        yield from walks[0]
        return
    previous: LocalFile | None = None
    for file in heapq.merge(*walks, key=_path_bytes):
        if previous is not None and previous.path == file.path:
            raise DuplicatePathError(
                f"{previous.local!r} and {file.local!r} would both be {file.path!r}"
            )
        previous = file
        yield file


def _path_bytes(file: LocalFile) -> bytes:
    return file.path.encode()


def _walk_source(source: str, prefix: str) -> Iterator[LocalFile]:
    status = os.stat(source)  # noqa: PTH116  # a Path per file costs more than the call itself
    local = os.path.abspath(source)  # noqa: PTH100
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_tree(local, status, prefix)
    else:
        name = _name_of(os.path.basename(local), local)  # noqa: PTH119
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(local)
        yield LocalFile(prefix + name, key_of(local, status))


def _walk_tree(root: str, status: os.stat_result, prefix: str) -> Iterator[LocalFile]:
    """Walk depth first with a stack of our own: trees may be deeper than Python's."""
    stack = [_enter(_Subdirectory(prefix, root, _identity(status)), [])]
    while stack:
        for entry in stack[-1].entries:
            if isinstance(entry, LocalFile):
                yield entry
            else:
                stack.append(_enter(entry, stack))
                break
        else:
            stack.pop()


def _enter(found: _Subdirectory, above: list[_Directory]) -> _Directory:
    if any(directory.identity == found.identity for directory in above):
        raise SourceError(f"{found.local!r} is a link to a directory that it is in: a cycle")
    return _Directory(found.identity, entries=iter(_list(found.local, found.path)))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _list(local: str, prefix: str) -> list[_Entry]:
    """Return a directory's entries in the order in which the paths below them sort.

    Below a directory every path goes on with "/", and sorts as if its name had it. By code points,
    as Python sorts, is by UTF-8 bytes.
    """
    found: list[_Entry] = []
    with os.scandir(local) as entries:
        for entry in entries:
            status, path = _status_of(entry), _join(prefix, entry)
            if stat.S_ISREG(status.st_mode):
                found.append(LocalFile(path, key_of(entry.path, status)))
            elif stat.S_ISDIR(status.st_mode):
                found.append(_Subdirectory(path + "/", entry.path, _identity(status)))
            else:
                raise _not_regular(entry.path)
    found.sort(key=itemgetter(0))
    if not "".join(map(itemgetter(0), found)).isascii():
        _refuse_twins(found)
    return found


def _refuse_twins(found: Iterable[_Entry]) -> None:
    """Raise when two names that a directory has are one in NFC."""
    seen: dict[str, str] = {}
    for entry in found:
        twin = seen.setdefault(entry.path.rstrip("/"), entry.local)
        if twin != entry.local:
            message = f"{twin!r} and {entry.local!r} differ only in how Unicode writes them"
            raise DuplicatePathError(message)


def _status_of(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return entry.stat()
    except OSError as error:
        if entry.is_symlink():
            raise SourceError(f"{entry.path!r} is a link that leads nowhere") from error
        raise


def _join(prefix: str, entry: os.DirEntry[str]) -> str:
    name = entry.name
    if name.isascii() and "\\" not in name and len(prefix) + len(name) < PATH_BYTES_MAX // 4:
        return prefix + name  # the common case, which needs no closer look
    path = prefix + _name_of(name, entry.path)
    check_path(path)
    return path


def _name_of(name: str, local: str) -> str:
    """Return a file's name in NFC."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise PathInvalidError(f"the name of {local!r} is not UTF-8") from error
    return unicodedata.normalize("NFC", name)


def _not_regular(local: str) -> SourceError:
    return SourceError(f"{local!r} is no regular file (a pipe, a socket or a device)")


def checked_prefix(prefix: str) -> str:
    """Return a prefix for `walk` that ends in "/", or nothing.

    Raises:
        PathInvalidError: no path may begin like this.
    """
    stripped = prefix.rstrip("/")
    return normalize_path(stripped) + "/" if stripped else ""
