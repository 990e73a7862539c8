"""From references to verified bytes. Blocking: for a thread."""

from __future__ import annotations

from collections.abc import Callable

from blake3 import blake3

from hydria.references.errors import BrokenReferenceError, ReferenceChangedError
from hydria.references.stores import OpenedObject, ReferenceStore, Stores
from hydria.references.words import Reference, checksum_values, plain_etag
from hydria.threads import Stop

_CONTENT = "blake3"


def fetch(
    reference: Reference, stores: Stores, *, write: Callable[[bytes], None], stop: Stop
) -> None:
    """Write the bytes of a reference. They are what was meant only once this returns.

    Raises:
        BrokenReferenceError: they cannot be had, are not what was meant, or cannot be verified.
        OSError: raised by `write`.
    """
    try:
        store = stores.of(reference.uri)
        _fetch(reference, store, write, stop)
    except BrokenReferenceError as error:
        raise error.of_path(reference.path) from error


def _fetch(
    reference: Reference, store: ReferenceStore, write: Callable[[bytes], None], stop: Stop
) -> None:
    expected = checksum_values(reference, store.checksum_kinds | {_CONTENT})
    hasher = blake3() if _CONTENT in expected else None
    size_bytes = 0
    with store.open(reference.uri, expected) as opened:
        _require_same(reference, expected, opened)
        for piece in opened.pieces:
            stop.check()
            size_bytes += len(piece)
            if size_bytes > reference.size_bytes:
                raise _changed(reference, f"{reference.size_bytes} bytes", "more")
            if hasher is not None:
                hasher.update(piece)
            write(piece)
    if size_bytes != reference.size_bytes:
        raise _changed(reference, f"{reference.size_bytes} bytes", f"{size_bytes} bytes")
    if hasher is not None and hasher.hexdigest() != expected[_CONTENT].lower():
        raise _changed(
            reference, f"{_CONTENT}:{expected[_CONTENT]}", f"{_CONTENT}:{hasher.hexdigest()}"
        )


def _require_same(reference: Reference, expected: dict[str, str], opened: OpenedObject) -> None:
    """Refuse before the first byte what its store says is something else."""
    if opened.size_bytes is not None and opened.size_bytes != reference.size_bytes:
        raise _changed(reference, f"{reference.size_bytes} bytes", f"{opened.size_bytes} bytes")
    for kind, value in expected.items():
        if kind == _CONTENT:
            continue
        found = opened.checksums.get(kind, "")
        same = plain_etag(value) == found if kind == "etag" else value == found
        if not (same and found):  # nothing is not equal to nothing
            raise _changed(reference, f"{kind}:{value}", f"{kind}:{found}" if found else "none")


def _changed(reference: Reference, expected: str, found: str) -> ReferenceChangedError:
    return ReferenceChangedError(
        f"{reference.uri!r} has changed: {expected} expected, {found} found",
        details={"uri": reference.uri, "expected": expected, "found": found},
    )
