"""Numbers as bytes that compare as the numbers do, to the last digit."""

from __future__ import annotations

import re
from typing import Final

# JSON's own numbers, less the letter of their spelling.
_NUMBER: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_EXPONENT_LIMIT: Final = (1 << 63) - 1
_EXPONENT_DIGITS: Final = 18
_NEGATIVE, _ZERO, _POSITIVE = b"\x40", b"\x80", b"\xc0"
_COMPLEMENT: Final = bytes(255 - byte for byte in range(256))


def is_number(text: str) -> bool:
    """Tell whether a text is a number as JSON writes it, leading zeros allowed."""
    return _NUMBER.fullmatch(text) is not None


def number_key(text: str) -> bytes:
    """Return the key of a number: equal for 1, 1.0 and 10e-1, and in the order of the numbers.

    A number is a sign, the place of its first digit, and its digits: 0.d1d2d3... x 10^place. Of a
    negative one, everything is turned around.

    Raises:
        ValueError: `text` is no number.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not a number")
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return _ZERO
    place = len(digits) - len(fraction) + _exponent(exponent)
    place = max(-_EXPONENT_LIMIT, min(_EXPONENT_LIMIT, place))
    magnitude = (place + _EXPONENT_LIMIT).to_bytes(8, "big") + digits.rstrip("0").encode()
    if not sign:
        return _POSITIVE + magnitude
    # The end counts as more than any digit, so that -0.12 comes after -0.123.
    return _NEGATIVE + magnitude.translate(_COMPLEMENT) + b"\xff"


def _exponent(text: str) -> int:
    """Return an exponent; of absurd ones only the sign counts (and int() refuses long texts)."""
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > _EXPONENT_DIGITS:
        return -_EXPONENT_LIMIT if text.startswith("-") else _EXPONENT_LIMIT
    return int(text or "0")
