"""Ranges of files that lie close together, and so are fetched together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a file that was asked for, as a slice; `index` is its place among the answers."""

    index: int
    path: str
    start: int | None = None
    end: int | None = None


@dataclass(slots=True)
class Fetch:
    """A part of a file that is read at once, and the ranges that it serves."""

    path: str
    start: int | None
    end: int | None
    ranges: list[Range] = field(default_factory=list)

    def part(self, wanted: Range, data: bytes) -> bytes:
        """Return the bytes of one of the ranges from those that were fetched."""
        if len(self.ranges) == 1:
            return data
        begin = self.start or 0
        return data[(wanted.start or 0) - begin : (wanted.end or 0) - begin]


def fetches_for(ranges: Iterable[Range], *, gap_bytes_max: int) -> Sequence[Fetch]:
    """Return the reads that serve all ranges.

    Ranges of one file share a read when at most `gap_bytes_max` lie between them. One that counts
    from the end of its file, or has no end, has a read of its own.
    """
    fetches: list[Fetch] = []
    plain: list[tuple[str, int, int, Range]] = []
    for each in ranges:
        if each.start is None or each.end is None or not 0 <= each.start <= each.end:
            fetches.append(Fetch(each.path, each.start, each.end, [each]))
        else:
            plain.append((each.path, each.start, each.end, each))
    last: Fetch | None = None
    for path, start, end, each in sorted(plain, key=lambda row: row[:3]):
        if last is None or last.path != path or start > (last.end or 0) + gap_bytes_max:
            last = Fetch(path, start, end)
            fetches.append(last)
        last.end = max(last.end or 0, end)
        last.ranges.append(each)
    return fetches
