"""Takes the entries of a version in path order; makes its digest, its totals and its shards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from blake3 import blake3

from hydria_server.domain.errors import BatchTooLargeError
from hydria_server.domain.manifest import (
    SHARD_MAGIC,
    VERSION_DIGEST_PREFIX,
    decode_entries,
    digested_part,
    digested_parts,
    encode_entries,
    entry_path,
    entry_size,
)
from hydria_server.domain.paths import PathConflictDetector
from hydria_server.domain.records import ShardRecord
from hydria_server.services.manifest_merge import WholeShard


class ManifestWriter:
    """Takes entries in path order; makes the version digest, the totals and the shards.

    A shard ends after an entry whose path hashes to twelve zero bits, so that a changed entry
    changes its own shard and no other. A shard of the base is taken over as it is wherever the
    same entries, taken one by one, would be cut in the same way.
    """

    MIN_ENTRIES = 1024
    MAX_ENTRIES = 16_384
    MAX_BYTES = 1024 * 1024 + 512 * 1024
    MAX_TOTAL_BYTES = (1 << 63) - 1
    BOUNDARY_MASK = (1 << 12) - 1
    _HASHED_AT_ONCE = 512

    def __init__(self, emit: Callable[[bytes], bytes]) -> None:
        """`emit` stores a shard and returns its digest."""
        self._emit = emit
        self._hasher = blake3(VERSION_DIGEST_PREFIX)
        self._unhashed: list[bytes] = []
        self._conflicts = PathConflictDetector()
        self._entries: list[bytes] = []
        self._entries_bytes = 0
        # A whole shard that was too large for one entry more: whether it ends there again shows
        # when it is known what follows.
        self._waiting: WholeShard | None = None
        self.shards: list[ShardRecord] = []
        self.reused: list[ShardRecord] = []
        self.file_count = 0
        self.size_bytes = 0

    def take(self, item: bytes | WholeShard) -> None:
        """Take what comes next of a merge.

        Raises:
            PathConflictError: an earlier path is a directory of this one.
            ValueError: a shard is damaged.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            if isinstance(item, WholeShard) and item.position == waiting.position + 1:
                self._reuse(waiting)
            else:
                self._add_all(waiting)
        if isinstance(item, bytes):
            self.add(item)
        elif self._entries or not self._conflicts.passes(item.record.first_path.encode()):
            self._add_all(item)
        elif self._ends_shard(item.record.last_path.encode(), item.record.entry_count):
            self._reuse(item)
        else:
            self._waiting = item

    def _add_all(self, shard: WholeShard) -> None:
        for raw in decode_entries(SHARD_MAGIC, shard.data):
            self.add(raw)

    def _reuse(self, shard: WholeShard) -> None:
        """Take a shard over as it is."""
        parts, size_bytes = digested_parts(SHARD_MAGIC, shard.data)
        self._hash()
        self._hasher.update(b"".join(parts))
        self.file_count += len(parts)
        self.size_bytes += size_bytes
        self._conflicts.skip(_ancestors(parts))
        self.shards.append(shard.record)
        self.reused.append(shard.record)

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
        if self._ends_shard(path, len(self._entries)):
            self._flush()

    def _ends_shard(self, path: bytes, entry_count: int) -> bool:
        """Tell whether a shard of so many entries ends after the one with this path."""
        if entry_count < self.MIN_ENTRIES:
            return False
        low = int.from_bytes(blake3(path).digest()[:2], "little")
        return entry_count >= self.MAX_ENTRIES or not low & self.BOUNDARY_MASK

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
        if self._waiting is not None:
            self._reuse(self._waiting)
        if self.size_bytes > self.MAX_TOTAL_BYTES:
            raise BatchTooLargeError(
                f"the version has more than {self.MAX_TOTAL_BYTES} bytes",
                details={"limit": str(self.MAX_TOTAL_BYTES)},
            )
        self._hash()
        self._flush()
        return self._hasher.digest()


def _ancestors(entries: Sequence[bytes]) -> list[bytes]:
    """Return the paths of sorted entries that are a textual prefix of the last one's."""
    first, last = entry_path(entries[0]), entry_path(entries[-1])
    found: list[bytes] = []
    for length in range(1, len(last) + 1):
        path = last[:length]
        if path >= first:
            at = bisect_left(entries, path, key=entry_path)
            if entry_path(entries[at]) == path:
                found.append(path)
    return found
