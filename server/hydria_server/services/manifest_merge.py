"""From staged runs and a base manifest to the entries of the version to be, in path order.

Plain synchronous code, for a worker thread: runs are opened only when the merge reaches them, so
that what a well-behaved writer staged in order costs the memory of one run.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hydria_server.domain.errors import DuplicatePathError
from hydria_server.domain.manifest import (
    RUN_MAGIC,
    SHARD_MAGIC,
    decode_entries,
    decode_removals,
    digested_part,
    entry_path,
)
from hydria_server.domain.records import ShardRecord, StagedRun

Fetch = Callable[[bytes, int], bytes]
"""Returns the bytes of the chunk with that digest and size."""

_BASE = ""  # what stands where a writer id would; base entries have order 0, runs from 1
_Head = tuple[bytes, int, str, bytes, Iterator[bytes]]


class _Source(NamedTuple):
    """A run or a shard that was not opened yet. They sort as they are merged."""

    first_path: bytes
    order: int
    writer_id: str
    digest: bytes
    size_bytes: int
    position: int = 0  # of a shard, among those of the base


@dataclass(frozen=True, slots=True)
class WholeShard:
    """A shard of the base that nothing was put into and nothing removed from."""

    position: int  # among the shards of the base
    record: ShardRecord
    data: bytes


def merge(
    runs: Sequence[StagedRun], base: Sequence[ShardRecord], fetch: Fetch
) -> Iterator[bytes | WholeShard]:
    """Yield base - removals + puts: encoded entries, and shards of the base that stay whole.

    Raises:
        DuplicatePathError: two writers put one path with different content.
    """
    removed = _Removals(runs, fetch)
    heads = _Heads(runs, base, removed, fetch)
    for item in heads.items():
        if isinstance(item, WholeShard):
            yield item
            continue
        path, group = item
        if len(group) == 1:
            order, _, raw = group[0]
            if order or not removed.covers(path):
                yield raw
            continue
        yield _choose(path, group)


def _choose(path: bytes, group: Sequence[tuple[int, str, bytes]]) -> bytes:
    """Return the put that counts: the last of its writer, when all writers agree."""
    latest = {writer: raw for order, writer, raw in group if order}
    puts = list(latest.values())
    if len({digested_part(raw) for raw in puts}) > 1:
        text = path.decode()
        raise DuplicatePathError(
            f"{text[:200]!r} was put by two writers with different content",
            details={"path": text[:500]},
        )
    return puts[-1]


class _Heads:
    """The next entry of each open source, smallest path first, in the order of staging."""

    def __init__(
        self,
        runs: Sequence[StagedRun],
        base: Sequence[ShardRecord],
        removed: _Removals,
        fetch: Fetch,
    ) -> None:
        self._base = base
        self._removed = removed
        self._fetch = fetch
        sources = [
            _Source(run.first_path.encode(), order, run.writer_id, run.digest, run.size_bytes)
            for order, run in enumerate(runs, 1)
            if run.first_path
        ]
        sources += [
            _Source(shard.first_path.encode(), 0, _BASE, shard.digest, shard.size_bytes, position)
            for position, shard in enumerate(base)
            if not removed.covers_all(shard.first_path.encode(), shard.last_path.encode())
        ]
        self._unopened = sorted(sources, reverse=True)
        self._heap: list[_Head] = []

    def items(self) -> Iterator[WholeShard | tuple[bytes, list[tuple[int, str, bytes]]]]:
        """Yield whole shards, and each other path with its (order, writer, encoded entry)."""
        while self._unopened or self._heap:
            yield from self._open_due()
            if self._heap:
                yield self._next_group()

    def _next_group(self) -> tuple[bytes, list[tuple[int, str, bytes]]]:
        heap = self._heap
        path = heap[0][0]
        group: list[tuple[int, str, bytes]] = []
        while heap and heap[0][0] == path:
            _, order, writer, raw, rest = heap[0]
            group.append((order, writer, raw))
            following = next(rest, None)
            if following is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (entry_path(following), order, writer, following, rest))
        return path, group

    def _open_due(self) -> Iterator[WholeShard]:
        """Open every source that has the next path; yield the shards that come whole before."""
        unopened, heap = self._unopened, self._heap
        while unopened and (not heap or unopened[-1].first_path <= heap[0][0]):
            source = unopened.pop()
            data = self._fetch(source.digest, source.size_bytes)
            if source.order == 0 and self._stays_whole(self._base[source.position]):
                yield WholeShard(source.position, self._base[source.position], data)
                continue
            rest = decode_entries(RUN_MAGIC if source.order else SHARD_MAGIC, data)
            raw = next(rest)
            heapq.heappush(heap, (entry_path(raw), source.order, source.writer_id, raw, rest))

    def _stays_whole(self, shard: ShardRecord) -> bool:
        """Tell whether nothing else has a path between the shard's first and last one."""
        first, last = shard.first_path.encode(), shard.last_path.encode()
        if self._heap and self._heap[0][0] <= last:
            return False
        if self._unopened and self._unopened[-1].first_path <= last:
            return False
        return not self._removed.touches(first, last)


class _Removals:
    """What is left out of the base version."""

    def __init__(self, runs: Sequence[StagedRun], fetch: Fetch) -> None:
        self._paths: set[bytes] = set()
        prefixes: set[bytes] = set()
        for run in runs:
            if not run.first_path:
                paths, some = decode_removals(fetch(run.digest, run.size_bytes))
                self._paths.update(paths)
                prefixes.update(some)
        self._in_order = sorted(self._paths)
        # No prefix of a prefix is kept, so the one before a path in order is the only candidate.
        self._prefixes: list[bytes] = []
        for prefix in sorted(prefixes):
            if not self._prefixes or not prefix.startswith(self._prefixes[-1]):
                self._prefixes.append(prefix)

    def covers(self, path: bytes) -> bool:
        """Tell whether a path is left out."""
        prefix = self._prefix_before(path)
        return path in self._paths or (bool(prefix) and path.startswith(prefix))

    def covers_all(self, first: bytes, last: bytes) -> bool:
        """Tell whether one prefix leaves out all paths from `first` to `last`."""
        prefix = self._prefix_before(first)
        return bool(prefix) and first.startswith(prefix) and last.startswith(prefix)

    def touches(self, first: bytes, last: bytes) -> bool:
        """Tell whether a path from `first` to `last` may be left out."""
        at = bisect_left(self._in_order, first)
        if at < len(self._in_order) and self._in_order[at] <= last:
            return True
        prefix = self._prefix_before(last)
        return bool(prefix) and (prefix >= first or first.startswith(prefix))

    def _prefix_before(self, path: bytes) -> bytes:
        """Return the last prefix that is not after `path`; empty when there is none."""
        at = bisect_right(self._prefixes, path)
        return self._prefixes[at - 1] if at else b""
