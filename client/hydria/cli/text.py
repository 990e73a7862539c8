"""Numbers, names and tables as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

_UNITS = ("kB", "MB", "GB", "TB", "PB")
# What would move the cursor, hide text or turn it around, and halves of characters.
_UNSAFE_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def printable(text: str) -> str:
    """Return `text` with escapes for what could do something to a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _UNSAFE_CATEGORIES
        else character
        for character in text
    )


def size_text(size_bytes: float) -> str:
    """Return a size with three digits or so: `0 B`, `999 B`, `1.2 kB`, `92.1 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    power = 1
    while size_bytes / 1000**power >= 999.95 and power < len(_UNITS):
        power += 1
    return f"{size_bytes / 1000**power:,.1f} {_UNITS[power - 1]}"


def count_text(count: int, noun: str) -> str:
    """Return `1 file`, `1,842 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def seconds_text(seconds: float) -> str:
    """Return a duration: `8 ms`, `1.25 s`, `312 s`."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def rate_text(size_bytes: int, seconds: float) -> str:
    """Return bytes per second: `412.0 MB/s`."""
    return f"{size_text(size_bytes / max(seconds, 1e-6))}/s"


def names_text(names: Sequence[str]) -> str:
    """Return names in a row."""
    return printable(", ".join(names))


def time_text(moment: datetime) -> str:
    """Return a moment in the reader's own time zone, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


class Table:
    """Columns under headings. Rows may come in parts; a column never gets narrower again."""

    def __init__(self, headings: Sequence[str], *, right: Collection[str] = ()) -> None:
        """Make a table; the columns headed as in `right` are aligned to the right."""
        self._pending = [tuple(headings)]
        self._right = [heading in right for heading in headings]
        self._widths = [0] * len(headings)

    def lines(self, rows: Iterable[Sequence[str]]) -> Iterator[str]:
        """Yield the lines for more rows, and before the first of them the headings."""
        cells = [*self._pending, *(tuple(map(printable, row)) for row in rows)]
        self._pending = []
        for row in cells:
            self._widths = [
                max(width, _columns_of(cell)) for width, cell in zip(self._widths, row, strict=True)
            ]
        for row in cells:
            yield "  ".join(map(_pad, row, self._widths, self._right)).rstrip()


def _pad(cell: str, width: int, is_right: bool) -> str:
    blank = " " * (width - _columns_of(cell))
    return blank + cell if is_right else cell + blank


def _columns_of(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )
