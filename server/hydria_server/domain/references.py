"""The rules for references: words about bytes elsewhere. The server never follows them."""

from __future__ import annotations

import re

from hydria_server.domain.entry_errors import ReferenceInvalidError

MAX_URI_BYTES = 4096
MAX_CHECKSUM_BYTES = 1024
# More than any object store takes for one object.
MAX_REFERENCE_BYTES = 1 << 50
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_AUTHORITY = re.compile(r"[^:]*://([^/?#]*)")
_CHECKSUM = re.compile(r"[a-z0-9][a-z0-9-]*:[!-~]+(?: [a-z0-9][a-z0-9-]*:[!-~]+)*")


def require_reference(path: str, *, uri: str, size_bytes: int, checksum: str) -> None:
    """Return when these words make a legal reference.

    Raises:
        ReferenceInvalidError: they do not; the message says which rule they break.
    """
    problem = _problem_of_uri(uri) or _problem_of_checksum(checksum)
    if not problem and size_bytes > MAX_REFERENCE_BYTES:
        problem = f"its size is over {MAX_REFERENCE_BYTES} bytes"
    if not problem and size_bytes and not checksum:
        problem = "it has a size, and no checksum to verify it by"
    if problem:
        shown = path[:200]
        raise ReferenceInvalidError(
            f"{shown!r} is no reference: {problem}", details={"path": path[:500]}
        )


def _problem_of_uri(uri: str) -> str:
    # Without a word of the URI itself: it may hold a secret.
    if len(uri.encode("utf-8", "replace")) > MAX_URI_BYTES:
        return f"its URI is longer than {MAX_URI_BYTES} bytes"
    if not _SCHEME.match(uri):
        return "its URI does not begin with a scheme, as in s3://BUCKET/KEY"
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in uri):
        return "its URI has a control character"
    authority = _AUTHORITY.match(uri)
    if authority and "@" in authority[1]:
        return "its URI has credentials; whoever reads the version brings their own"
    return ""


def _problem_of_checksum(checksum: str) -> str:
    if len(checksum.encode("utf-8", "replace")) > MAX_CHECKSUM_BYTES:
        return f"its checksum is longer than {MAX_CHECKSUM_BYTES} bytes"
    if checksum and not _CHECKSUM.fullmatch(checksum):
        return "its checksum is not KIND:VALUE, or several of them separated by single spaces"
    return ""
