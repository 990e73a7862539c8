"""From staged runs and a base manifest to the entries of the version to be, in path order.

Plain synchronous code, for a worker thread: runs are opened only when the merge reaches them, so
that what a well-behaved writer staged in order costs the memory of one run.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from blake3 import blake3

from hydria_server.domain.errors import BatchTooLargeError, DuplicatePathError
from hydria_server.domain.manifest import (
    RUN_MAGIC,
    SHARD_MAGIC,
    VERSION_DIGEST_PREFIX,
    decode_entries,
    decode_removals,
    digested_part,
    encode_entries,
    entry_path,
    entry_size,
)
from hydria_server.domain.paths import PathConflictDetector
from hydria_server.domain.records import ShardRecord, StagedRun

Fetch = Callable[[bytes, int], bytes]
"""Returns the bytes of the chunk with that digest and size."""

_BASE = ""  # what stands where a writer id would; base entries have order 0, runs from 1
_Head = tuple[bytes, int, str, bytes, Iterator[bytes]]


def merge(runs: Sequence[StagedRun], base: Sequence[ShardRecord], fetch: Fetch) -> Iterator[bytes]:
    """Yield the encoded entries of base - removals + puts.

    Raises:
        DuplicatePathError: two writers put one path with different content.
    """
    removed = _Removals(runs, fetch)
    heads = _Heads(runs, base, fetch)
    for path, group in heads.groups():
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
        self, runs: Sequence[StagedRun], base: Sequence[ShardRecord], fetch: Fetch
    ) -> None:
        self._fetch = fetch
        sources = [
            (run.first_path.encode(), order, run.writer_id, run.digest, run.size_bytes, RUN_MAGIC)
            for order, run in enumerate(runs, 1)
            if run.first_path
        ]
        sources += [
            (shard.first_path.encode(), 0, _BASE, shard.digest, shard.size_bytes, SHARD_MAGIC)
            for shard in base
        ]
        self._unopened = sorted(sources, reverse=True)
        self._heap: list[_Head] = []

    def groups(self) -> Iterator[tuple[bytes, list[tuple[int, str, bytes]]]]:
        """Yield each path with its (order, writer, encoded entry), base first."""
        heap = self._heap
        while self._unopened or heap:
            self._open_due()
            path = heap[0][0]
            group: list[tuple[int, str, bytes]] = []
            while heap and heap[0][0] == path:
                _, order, writer, raw, rest = heap[0]
                group.append((order, writer, raw))
                following = next(rest, None)
                if following is None:
                    heapq.heappop(heap)
                else:
                    head = (entry_path(following), order, writer, following, rest)
                    heapq.heapreplace(heap, head)
            yield path, group

    def _open_due(self) -> None:
        unopened, heap = self._unopened, self._heap
        while unopened and (not heap or unopened[-1][0] <= heap[0][0]):
            _, order, writer, digest, size, magic = unopened.pop()
            rest = decode_entries(magic, self._fetch(digest, size))
            raw = next(rest)
            heapq.heappush(heap, (entry_path(raw), order, writer, raw, rest))


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
        # No prefix of a prefix is kept, so the one before a path in order is the only candidate.
        self._prefixes: list[bytes] = []
        for prefix in sorted(prefixes):
            if not self._prefixes or not prefix.startswith(self._prefixes[-1]):
                self._prefixes.append(prefix)

    def covers(self, path: bytes) -> bool:
        if path in self._paths:
            return True
        at = bisect_right(self._prefixes, path)
        return at > 0 and path.startswith(self._prefixes[at - 1])


class ManifestWriter:
    """Takes entries in path order; makes the version digest, the totals and the shards.

    A shard ends after an entry whose path hashes to twelve zero bits, so that a changed entry
    changes its own shard and no other.
    """

    MIN_ENTRIES = 1024
    MAX_ENTRIES = 16_384
    MAX_BYTES = 1024 * 1024 + 512 * 1024
    MAX_TOTAL_BYTES = (1 << 63) - 1
    _BOUNDARY_MASK = (1 << 12) - 1
    _HASHED_AT_ONCE = 512

    def __init__(self, emit: Callable[[bytes], bytes]) -> None:
        """`emit` stores a shard and returns its digest."""
        self._emit = emit
        self._hasher = blake3(VERSION_DIGEST_PREFIX)
        self._unhashed: list[bytes] = []
        self._conflicts = PathConflictDetector()
        self._entries: list[bytes] = []
        self._entries_bytes = 0
        self.shards: list[ShardRecord] = []
        self.file_count = 0
        self.size_bytes = 0

    def add(self, raw: bytes) -> None:
        """Take the next encoded entry.

        Raises:
            PathConflictError: an earlier path is a directory of this one.
        """
        path = entry_path(raw)
        self._conflicts.check(path)
        self.file_count += 1
        self.size_bytes += entry_size(raw)
        self._unhashed.append(digested_part(raw))
        if len(self._unhashed) >= self._HASHED_AT_ONCE:
            self._hash()
        if self._entries_bytes + len(raw) > self.MAX_BYTES:
            self._flush()
        self._entries.append(raw)
        self._entries_bytes += len(raw) + 4
        if self._ends_shard(path):
            self._flush()

    def _ends_shard(self, path: bytes) -> bool:
        count = len(self._entries)
        if count < self.MIN_ENTRIES:
            return False
        low = int.from_bytes(blake3(path).digest()[:2], "little")
        return count >= self.MAX_ENTRIES or not low & self._BOUNDARY_MASK

    def _hash(self) -> None:
        self._hasher.update(b"".join(self._unhashed))
        self._unhashed.clear()

    def _flush(self) -> None:
        if not self._entries:
            return
        data = encode_entries(SHARD_MAGIC, self._entries)
        first, last = entry_path(self._entries[0]), entry_path(self._entries[-1])
        count = len(self._entries)
        self._entries, self._entries_bytes = [], 0
        shard = ShardRecord(self._emit(data), len(data), count, first.decode(), last.decode())
        self.shards.append(shard)

    def finish(self) -> bytes:
        """Write what is left; return the version digest.

        Raises:
            BatchTooLargeError: the sizes, those that references claim among them, add up to more
                than a database can hold.
        """
        if self.size_bytes > self.MAX_TOTAL_BYTES:
            raise BatchTooLargeError(
                f"the version has more than {self.MAX_TOTAL_BYTES} bytes",
                details={"limit": str(self.MAX_TOTAL_BYTES)},
            )
        self._hash()
        self._flush()
        return self._hasher.digest()
