"""Two sorted lists of files, merged: what was added, removed and changed.

Plain synchronous code, for a worker thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hydria_server.domain.manifest import FileEntry, decode_entry, digested_part, entry_path
from hydria_server.domain.records import ShardRecord, VersionRecord


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one path: added without `before`, removed without `after`, else changed."""

    before: FileEntry | None
    after: FileEntry | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far a comparison has come. The changes are those since the step before."""

    changes: Sequence[FileChange] = ()
    added_count: int = 0
    removed_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    added_bytes: int = 0
    removed_bytes: int = 0
    changed_bytes: int = 0
    unchanged_bytes: int = 0
    shared_bytes: int = 0
    new_bytes: int = 0
    compared_files: int = 0  # entries of both lists


class Side:
    """What is left to compare of one version, and the part of it that was read."""

    def __init__(self, shards: Iterable[ShardRecord]) -> None:
        self.shards = deque(shards)
        self.raws: deque[bytes] = deque()
        self._unread = sum(shard.entry_count for shard in self.shards)

    @property
    def wants_more(self) -> bool:
        """Whether the next shard must be read before the merge goes on."""
        return not self.raws and bool(self.shards)

    @property
    def left_count(self) -> int:
        """How many entries are still to be compared."""
        return self._unread + len(self.raws)

    def next_shard(self) -> ShardRecord:
        """Return the shard whose entries the caller is about to read."""
        shard = self.shards.popleft()
        self._unread -= shard.entry_count
        return shard


def merge(before: Side, after: Side) -> list[FileChange]:
    """Take entries off both sides until one must read on; return what differs, by path."""
    changes: list[FileChange] = []
    while not (before.wants_more or after.wants_more) and (before.raws or after.raws):
        old, new = _next_pair(before.raws, after.raws)
        if old and new and digested_part(old) == digested_part(new):
            continue
        changes.append(FileChange(_decoded(old), _decoded(new)))
    return changes


def _next_pair(before: deque[bytes], after: deque[bytes]) -> tuple[bytes | None, bytes | None]:
    """Return the entries of the smallest path that is left."""
    if not before:
        return None, after.popleft()
    if not after:
        return before.popleft(), None
    old, new = entry_path(before[0]), entry_path(after[0])
    return (before.popleft() if old <= new else None, after.popleft() if new <= old else None)


def _decoded(raw: bytes | None) -> FileEntry | None:
    return decode_entry(raw) if raw else None


class Totals:
    """Counts and bytes of a comparison; what is not said to differ is the same."""

    def __init__(self, before: VersionRecord, after: VersionRecord) -> None:
        self._after = after
        self._entry_count = before.file_count + after.file_count
        self.left_count = self._entry_count
        self._added = self._removed = self._changed = 0
        self._added_bytes = self._removed_bytes = self._changed_bytes = 0
        self.new_bytes = self._reference_bytes = 0

    def take(self, changes: Sequence[FileChange]) -> None:
        """Count some changes."""
        for change in changes:
            before, after = change.before, change.after
            if after is None:
                assert before is not None
                self._removed += 1
                self._removed_bytes += before.size_bytes
                continue
            if before is None:
                self._added += 1
                self._added_bytes += after.size_bytes
            else:
                self._changed += 1
                self._changed_bytes += after.size_bytes
            self._reference_bytes += after.size_bytes if after.is_reference else 0

    def so_far(self, changes: Sequence[FileChange]) -> Comparison:
        """Return the totals beside these changes."""
        size_bytes = self._after.size_bytes
        return Comparison(
            changes=changes,
            added_count=self._added,
            removed_count=self._removed,
            changed_count=self._changed,
            unchanged_count=self._after.file_count - self._added - self._changed,
            added_bytes=self._added_bytes,
            removed_bytes=self._removed_bytes,
            changed_bytes=self._changed_bytes,
            unchanged_bytes=size_bytes - self._added_bytes - self._changed_bytes,
            shared_bytes=size_bytes - self._reference_bytes - self.new_bytes,
            new_bytes=self.new_bytes,
            compared_files=self._entry_count - self.left_count,
        )
