"""The rules for paths in a version: relative, `/`-separated, NFC, never climbing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from hydria_server.domain.errors import PathConflictError, PathInvalidError

MAX_PATH_BYTES = 1024
_BAD_SEGMENTS = frozenset(("", ".", ".."))


def require_path(text: str, *, field: str) -> str:
    """Return `text` when it is a legal path.

    Raises:
        PathInvalidError: it is not; the message says which rule it breaks.
    """
    problem = _problem(text)
    if problem:
        raise PathInvalidError(field, f"{text[:120]!r} {problem}")
    return text


def _problem(text: str) -> str:
    # Nearly all paths are ASCII: no encoding, no normalisation to check.
    if not text.isascii():
        if len(text.encode("utf-8", "replace")) > MAX_PATH_BYTES:
            return f"is longer than {MAX_PATH_BYTES} bytes"
        if not unicodedata.is_normalized("NFC", text):
            return "is not in Unicode NFC"
    elif len(text) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if "\0" in text or "\\" in text:
        return "has a NUL or a backslash"
    if not _BAD_SEGMENTS.isdisjoint(text.split("/")):
        return "is empty or has an empty, '.' or '..' segment"
    return ""


class PathConflictDetector:
    """Finds a path that is a file and a directory at once, in one pass over sorted paths."""

    def __init__(self) -> None:
        self._ancestors: list[bytes] = []  # earlier paths that are a textual prefix of the last

    def check(self, path: bytes) -> None:
        """Take the next path, in the order of bytes.

        Raises:
            PathConflictError: an earlier path is a directory of this one.
        """
        ancestors = self._ancestors
        # "a", "a!", "a/b": between a file and what lies below it others may stand, so every
        # earlier path that is still a textual prefix is kept, not the last one alone.
        while ancestors and not path.startswith(ancestors[-1]):
            ancestors.pop()
        for ancestor in ancestors:
            if path[len(ancestor) : len(ancestor) + 1] == b"/":
                raise _conflict(ancestor, path)
        ancestors.append(path)

    def passes(self, path: bytes) -> bool:
        """Tell whether no earlier path can be a directory of this one or of a later one."""
        return not any(path.startswith(ancestor) for ancestor in self._ancestors)

    def skip(self, ancestors: Sequence[bytes]) -> None:
        """Take paths in which there is no conflict, without looking at each; only if they pass.

        `ancestors` are those among them that are a textual prefix of the last one, and that one.
        """
        self._ancestors = list(ancestors)


def _conflict(file: bytes, below: bytes) -> PathConflictError:
    path = file.decode()
    return PathConflictError(
        f"{path[:120]!r} is a file and also a directory of {below.decode()[:120]!r}",
        details={"path": path[:500]},
    )
