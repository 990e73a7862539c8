"""Which chunks of an open file are kept, and how far to read ahead. No I/O."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict

from hydria.options import MIB

# The largest chunk there is; one may begin before what is asked for, one may end after it.
_CHUNK_BYTES_MAX = 2 * MIB
_FIRST_AHEAD_BYTES = MIB // 2
# Chunks of a byte each would cost more than their bytes.
_CHUNKS_MAX = 1024


class ChunkWindow:
    """The chunks of a file that were fetched last, within a bound.

    Whoever reads on where the last read ended reads ahead: twice as far each time, up to
    `read_ahead_bytes`. Whoever jumps gets the chunks that hold what was asked for, and no more.
    """

    def __init__(self, size_bytes: int, *, read_ahead_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._read_ahead_bytes = read_ahead_bytes
        self._held_bytes_max = read_ahead_bytes + 2 * _CHUNK_BYTES_MAX
        self._chunks: OrderedDict[int, bytes] = OrderedDict()  # by offset, oldest use first
        self._offsets: list[int] = []  # the same, sorted
        self.held_bytes = 0
        self._ahead_bytes = 0
        self._next_offset: int | None = None
        self._goes_on = False

    def find(self, offset: int) -> memoryview | None:
        """Return the bytes from `offset` to the end of its chunk, if that is held."""
        place = bisect_right(self._offsets, offset) - 1
        if place < 0:
            return None
        begin = self._offsets[place]
        chunk = self._chunks[begin]
        if offset >= begin + len(chunk):
            return None
        self._chunks.move_to_end(begin)
        return memoryview(chunk)[offset - begin :]

    def begin_read(self, offset: int) -> None:
        """Note where a read begins."""
        self._goes_on = offset == self._next_offset

    def end_read(self, offset: int) -> None:
        """Note where a read ended."""
        self._next_offset = offset

    def fetch_until(self, offset: int, end: int) -> int:
        """Return up to where to fetch, for what is read up to `end` and not held at `offset`."""
        further = max(2 * self._ahead_bytes, _FIRST_AHEAD_BYTES) if self._goes_on else 0
        self._ahead_bytes = min(further, self._read_ahead_bytes)
        until = min(max(end, offset + self._ahead_bytes), self._size_bytes)
        place = bisect_right(self._offsets, offset)
        return min(until, self._offsets[place]) if place < len(self._offsets) else until

    def keep(self, offset: int, data: memoryview) -> None:
        """Hold a chunk, and let go of those that were used the longest time ago."""
        if offset in self._chunks or len(data) > self._held_bytes_max:
            return
        self._chunks[offset] = bytes(data)  # of its own: a view would hold on to its whole frame
        insort(self._offsets, offset)
        self.held_bytes += len(data)
        while self.held_bytes > self._held_bytes_max or len(self._offsets) > _CHUNKS_MAX:
            oldest, chunk = self._chunks.popitem(last=False)
            self._offsets.remove(oldest)
            self.held_bytes -= len(chunk)

    def clear(self) -> None:
        """Let go of all chunks."""
        self._chunks.clear()
        self._offsets.clear()
        self.held_bytes = 0
