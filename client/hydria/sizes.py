"""Sizes as people write them: `500MB`, `2GiB`, `1024`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 1000, "ki": 1 << 10, "m": 1000**2, "mi": 1 << 20, "g": 1000**3} | {
    "gi": 1 << 30,
    "t": 1000**4,
    "ti": 1 << 40,
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return how many bytes a text means.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no size; write e.g. 500MB, 2GiB or 0")
    number, unit = match.groups()
    return int(float(number) * _UNITS[(unit or "").lower()])
