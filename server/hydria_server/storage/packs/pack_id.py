"""The names of packs: ULIDs, which sort by age and are never given out twice (I4)."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

RAW_BYTES: Final = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_TEXT = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_RANDOM_BITS = 80


class PackIds:
    """Makes ids, each greater than the one before, whatever the clock does. Not thread-safe."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Return a new id: 48 bits of milliseconds since 1970, then 80 random bits."""
        now = time.time_ns() // 1_000_000 << _RANDOM_BITS
        fresh = now | secrets.randbits(_RANDOM_BITS)
        self._last = fresh if fresh > self._last else self._last + 1
        return encode(self._last.to_bytes(RAW_BYTES, "big"))


def is_pack_id(text: str) -> bool:
    """Tell whether `text` is the id of a pack, in its only spelling."""
    return _TEXT.fullmatch(text) is not None


def encode(raw: bytes) -> str:
    """Return the 26 characters that print the 16 bytes of an id."""
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def decode(pack_id: str) -> bytes:
    """Return the 16 bytes of an id.

    Raises:
        ValueError: `pack_id` is not one.
    """
    if not is_pack_id(pack_id):
        raise ValueError(f"{pack_id!r} is not the id of a pack")
    number = 0
    for character in pack_id:
        number = number << 5 | _ALPHABET.index(character)
    return number.to_bytes(RAW_BYTES, "big")
