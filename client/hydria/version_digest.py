"""The digest of a version, from its entries."""

from __future__ import annotations

import struct

from blake3 import blake3

_PREFIX = b"hydria.version.v1\0"
_LENGTH = struct.Struct("<I")
_KIND_AND_SIZE = struct.Struct("<BQ")
_PARTS_AT_ONCE = 500  # a call for each costs as much as all the rest
_STORED, _REFERENCE = 0, 1


class VersionHasher:
    """Takes the entries of a version in the order of their paths' UTF-8 bytes."""

    def __init__(self) -> None:
        self._hasher = blake3(_PREFIX)
        self._parts: list[bytes] = []

    def add_stored(self, path: str, size_bytes: int, content_digest: bytes) -> None:
        """Take a file whose bytes are stored."""
        name, numbers = path.encode(), _KIND_AND_SIZE.pack(_STORED, size_bytes)
        self._add(_LENGTH.pack(len(name)) + name + numbers + content_digest)

    def add_reference(self, path: str, size_bytes: int, uri: str, checksum: str) -> None:
        """Take a file whose bytes are elsewhere."""
        numbers = _KIND_AND_SIZE.pack(_REFERENCE, size_bytes)
        self._add(_worded(path) + numbers + _worded(uri) + _worded(checksum))

    def digest(self) -> bytes:
        """Return the digest of the entries so far."""
        self._flush()
        return self._hasher.digest()

    def _add(self, part: bytes) -> None:
        self._parts.append(part)
        if len(self._parts) >= _PARTS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._hasher.update(b"".join(self._parts))
        self._parts = []


def _worded(text: str) -> bytes:
    data = text.encode()
    return _LENGTH.pack(len(data)) + data
