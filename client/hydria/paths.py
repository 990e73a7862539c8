"""What a path in a version may look like. The same rules as the server's."""

from __future__ import annotations

import unicodedata

from hydria.errors import PathInvalidError

PATH_BYTES_MAX = 1024


def normalize_path(path: str) -> str:
    """Return `path` as versions store it: in Unicode NFC, checked.

    Raises:
        PathInvalidError: it breaks the rules for paths in a version.
    """
    normal = unicodedata.normalize("NFC", path)
    check_path(normal)
    return normal


def check_path(path: str) -> None:
    """Refuse a path that no version may have.

    Raises:
        PathInvalidError: it is empty, absolute, too long or not NFC, climbs (`..`), has an empty
            or `.` segment, a backslash, a NUL, or characters that are not text.
    """
    problem = _problem_of(path)
    if problem:
        raise PathInvalidError(f"{_shown(path)} is no path for a version: {problem}")


def _problem_of(path: str) -> str:
    if not path:
        return "it is empty"
    if path.isascii():
        size_bytes = len(path)
    else:
        try:
            size_bytes = len(path.encode())
        except UnicodeEncodeError:
            return "it is not text in UTF-8"
        if not unicodedata.is_normalized("NFC", path):
            return "it is not Unicode NFC"
    if size_bytes > PATH_BYTES_MAX:
        return f"it has {size_bytes} bytes, and {PATH_BYTES_MAX} is the most"
    if "\\" in path or "\0" in path:
        return "it has a backslash or a NUL"
    return _problem_of_segments(path)


def _problem_of_segments(path: str) -> str:
    for segment in path.split("/"):
        if not segment:
            return "it has an empty segment, or begins or ends with '/'"
        if segment in (".", ".."):
            return f"it has the segment '{segment}'"
    return ""


def _shown(path: str) -> str:
    return ascii(path if len(path) <= 200 else path[:200] + "...")
