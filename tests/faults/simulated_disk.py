"""A disk that forgets, tears and fails as a seed says, below a pack store that is real."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from hydria_server.storage.packs.disk_calls import DiskCalls
from hydria_server.storage.packs.record import Buffer
from tests.storage.disk_pack_rig import WatchedDisk

SECTOR_BYTES = 512
FREE_BYTES = 1 << 40
SHORT_WRITES = 0.1  # how many of them: the system may write less than it was given

_Place = tuple[int, str]  # inode of a directory, name in it


class SimulatedDisk(WatchedDisk):
    """Writes short now and then, fails at one call when it is told to, and loses power.

    Names behave as on every journaling file system: a rename happens or it does not, and what
    was synced of a directory stays. Everything else that was not synced is up to the seed.
    """

    def __init__(self, source: random.Random) -> None:
        super().__init__()
        self.free_bytes = FREE_BYTES
        self._source = source
        self._failing: tuple[str, int, int] | None = None

    def calls(self) -> DiskCalls:
        real = super().calls()

        def pwritev(descriptor: int, pieces: Sequence[Buffer], offset: int) -> int:
            self._require("write")
            if self._source.random() >= SHORT_WRITES:
                return real.pwritev(descriptor, pieces, offset)
            data = b"".join(pieces)
            return os.pwrite(descriptor, data[: self._source.randint(1, len(data))], offset)

        def fdatasync(descriptor: int) -> None:
            self._require("sync")
            real.fdatasync(descriptor)

        def fsync(descriptor: int) -> None:
            self._require("sync")
            real.fsync(descriptor)

        def rename(old: Path, new: Path) -> None:
            self._require("rename")
            real.rename(old, new)

        return DiskCalls(pwritev, real.pread, fdatasync, fsync, rename, real.free_bytes)

    def remember_all(self, root: Path) -> None:
        """Take everything below `root` for synced: a disk that lost power forgets nothing more."""
        for path in (root, *root.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY)
            self._remember(descriptor)
            os.close(descriptor)

    def fail_at(self, call: str, times: int, error: int) -> None:
        """Let the call after so many others of its kind fail: a write, a sync or a rename."""
        self._failing = (call, times, error)

    def heal(self) -> None:
        """Fail no more."""
        self._failing = None

    def _require(self, call: str) -> None:
        if self._failing is None or self._failing[0] != call:
            return
        _, times, error = self._failing
        if times:
            self._failing = (call, times - 1, error)
            return
        self._failing = None
        raise OSError(error, os.strerror(error))

    def lose_power(self, root: Path, target: Path) -> None:
        """Copy to `target` what is left of `root`: all that was synced, and some of the rest."""
        paths = {path.stat().st_ino: path for path in sorted(root.rglob("*"))}
        left: dict[int, dict[str, int]] = defaultdict(dict)
        for inode, places in self._places_left(root).items():
            for directory, name in places:
                left[directory][name] = inode
        self._copy(root.stat().st_ino, target, left, paths, {})

    def _places_left(self, root: Path) -> dict[int, set[_Place]]:
        now: dict[int, set[_Place]] = defaultdict(set)
        for path in sorted(root.rglob("*")):
            now[path.stat().st_ino].add((path.parent.stat().st_ino, path.name))
        synced: dict[int, set[_Place]] = defaultdict(set)
        for directory, names in self._synced_names.items():
            for name, inode in names.items():
                synced[inode].add((directory, name))
        return {inode: self._either(synced[inode], places) for inode, places in sorted(now.items())}

    def _either(self, synced: set[_Place], now: set[_Place]) -> set[_Place]:
        """Return where a file is found again: where it was synced, where it is, or in between."""
        sure = synced & now
        if sure:
            # In an order that no inode decides: a seed must mean the same on every disk.
            others = sorted(synced ^ now, key=lambda place: (place[1], place in synced))
            return sure | {place for place in others if self._source.random() < 0.5}
        return now if self._source.random() < 0.5 else synced

    def _copy(
        self,
        directory: int,
        target: Path,
        left: dict[int, dict[str, int]],
        paths: dict[int, Path],
        copied: dict[int, Path],
    ) -> None:
        target.mkdir()
        for name, inode in sorted(left[directory].items()):
            if inode in copied:
                (target / name).hardlink_to(copied[inode])
            elif paths[inode].is_dir():
                self._copy(inode, target / name, left, paths, copied)
            else:
                (target / name).write_bytes(self._bytes_left(inode, paths[inode].read_bytes()))
                copied[inode] = target / name

    def _bytes_left(self, inode: int, content: bytes) -> bytes:
        """Return what was synced, and of what follows some sectors, some zeros and some noise."""
        synced = min(self._synced_bytes.get(inode, 0), len(content))
        return torn(content, synced, self._source)


def torn(content: bytes, synced_bytes: int, source: random.Random) -> bytes:
    """Return `content` as a power failure may leave it when only so much of it was synced."""
    data = bytearray(content[: source.randint(synced_bytes, len(content))])
    at = synced_bytes
    while at < len(data):
        end = min(len(data), at - at % SECTOR_BYTES + SECTOR_BYTES)
        what = source.choice(("kept", "kept", "zeros", "noise"))
        if what == "zeros":
            data[at:end] = bytes(end - at)
        elif what == "noise":
            data[at:end] = source.randbytes(end - at)
        at = end
    return bytes(data)
