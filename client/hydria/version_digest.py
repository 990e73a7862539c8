"""The digest of a version, from its entries."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from blake3 import blake3

_PREFIX = b"hydria.version.v1\0"
_LENGTH = struct.Struct("<I")
_KIND_AND_SIZE = struct.Struct("<BQ")
_PARTS_AT_ONCE = 2000  # a call for each costs as much as all the rest
_STORED, _REFERENCE = 0, 1


class VersionHasher:
    """Takes the entries of a version in the order of their paths' UTF-8 bytes."""

    def __init__(self) -> None:
        self._hasher = blake3(_PREFIX)
        self._parts: list[bytes] = []

    def add_stored(self, path: str, size_bytes: int, content_digest: bytes) -> None:
        """Take a file whose bytes are stored."""
        self.add_all_stored([(path, size_bytes, content_digest)])

    def add_all_stored(self, files: Iterable[tuple[str, int, bytes]]) -> None:
        """Take files as `add_stored` does, without a call for each."""
        length_of, numbers_of = _LENGTH.pack, _KIND_AND_SIZE.pack
        for path, size_bytes, content_digest in files:
            name = path.encode()
            self._parts += (
                length_of(len(name)),
                name,
                numbers_of(_STORED, size_bytes),
                content_digest,
            )
        self._flush_if_many()

    def add_reference(self, path: str, size_bytes: int, uri: str, checksum: str) -> None:
        """Take a file whose bytes are elsewhere."""
        numbers = _KIND_AND_SIZE.pack(_REFERENCE, size_bytes)
        self._parts += (_worded(path), numbers, _worded(uri), _worded(checksum))
        self._flush_if_many()

    def digest(self) -> bytes:
        """Return the digest of the entries so far."""
        self._flush()
        return self._hasher.digest()

    def _flush_if_many(self) -> None:
        if len(self._parts) >= _PARTS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._hasher.update(b"".join(self._parts))
        self._parts = []


def _worded(text: str) -> bytes:
    data = text.encode()
    return _LENGTH.pack(len(data)) + data
