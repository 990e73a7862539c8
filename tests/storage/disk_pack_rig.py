"""A disk to run a pack store on that can be full, lie, and lose power."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hydria_server.domain.chunks import Location
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.disk_calls import DiskCalls, free_bytes
from hydria_server.storage.packs.interface import Failpoint, PackStore
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.record import Buffer

PACK_BYTES = 1 << 27


class WatchedDisk:
    """Makes the real calls, counts them, remembers what was synced, and fails where it is told."""

    def __init__(self) -> None:
        self.free_bytes: int | None = None
        self.write_limit_bytes: int | None = None
        self.read_limit_bytes: int = PACK_BYTES
        self.write_errors: Iterator[int | None] = iter(())
        self.read_error: Callable[[int, int], int | None] = lambda _offset, _size: None
        self.sync_error: int | None = None
        self.rename_error: int | None = None
        self.before_call: Callable[[], None] = lambda: None
        self.before_sync: Callable[[], None] = lambda: None
        self.writes = 0
        self.data_syncs = 0
        self.reads: list[tuple[int, int]] = []
        self._synced_bytes: dict[int, int] = {}
        self._synced_names: dict[int, dict[str, int]] = {}

    def calls(self) -> DiskCalls:
        return DiskCalls(
            pwritev=self._pwritev,
            pread=self._pread,
            fdatasync=self._fdatasync,
            fsync=self._fsync,
            rename=self._rename,
            free_bytes=lambda path: (
                free_bytes(path) if self.free_bytes is None else self.free_bytes
            ),
        )

    def _pwritev(self, descriptor: int, pieces: Sequence[Buffer], offset: int) -> int:
        self.before_call()
        self.writes += 1
        error = next(self.write_errors, None)
        if error is not None:
            raise OSError(error, os.strerror(error))
        if self.write_limit_bytes is None:
            return os.pwritev(descriptor, pieces, offset)
        return os.pwrite(descriptor, b"".join(pieces)[: self.write_limit_bytes], offset)

    def _pread(self, descriptor: int, size: int, offset: int) -> bytes:
        self.reads.append((offset, size))
        error = self.read_error(offset, size)
        if error is not None:
            raise OSError(error, os.strerror(error))
        return os.pread(descriptor, min(size, self.read_limit_bytes), offset)

    def _fdatasync(self, descriptor: int) -> None:
        self.before_sync()
        self.data_syncs += 1
        self._require_sync()
        os.fdatasync(descriptor)
        self._remember(descriptor)

    def _fsync(self, descriptor: int) -> None:
        self._require_sync()
        os.fsync(descriptor)
        self._remember(descriptor)

    def _rename(self, old: Path, new: Path) -> None:
        self.before_call()
        if self.rename_error is not None:
            raise OSError(self.rename_error, os.strerror(self.rename_error))
        old.rename(new)

    def _require_sync(self) -> None:
        self.before_call()
        if self.sync_error is not None:
            raise OSError(self.sync_error, os.strerror(self.sync_error))

    def _remember(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(descriptor) as entries:
                self._synced_names[status.st_ino] = {e.name: e.inode() for e in entries}
        else:
            self._synced_bytes[status.st_ino] = status.st_size

    def lose_power(self, root: Path, target: Path) -> None:
        """Copy to `target` what a power failure now would leave of `root`: what was synced."""
        now = {path.stat().st_ino: path for path in root.rglob("*")}
        self._restore(root.stat().st_ino, target, now, {})

    def _restore(
        self, directory: int, target: Path, now: dict[int, Path], restored: dict[int, Path]
    ) -> None:
        target.mkdir()
        for name, inode in self._synced_names.get(directory, {}).items():
            path = target / name
            if inode in restored:  # one file in two directories: it was on its way
                path.hardlink_to(restored[inode])
            elif inode in now and now[inode].is_dir():
                self._restore(inode, path, now, restored)
            elif inode in now:
                path.write_bytes(now[inode].read_bytes()[: self._synced_bytes.get(inode, 0)])
                restored[inode] = path


class DiskRig:
    """A `DiskPackStore` on a `WatchedDisk`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "packs"
        self.disk = WatchedDisk()
        self.fatal: list[BaseException] = []
        self.failpoint: Failpoint = lambda _name: None

    @property
    def layout(self) -> PackLayout:
        return PackLayout(self.root)

    async def open(self, *, seal_bytes: int = PACK_BYTES, reserve_bytes: int = 0) -> DiskPackStore:
        return await DiskPackStore.open(
            self.root,
            seal_bytes=seal_bytes,
            reserve_bytes=reserve_bytes,
            on_fatal=self.fatal.append,
            failpoint=lambda name: self.failpoint(name),
            calls=self.disk.calls(),
        )

    async def crash(self, store: PackStore) -> None:
        after = self.directory / f"{self.root.name}-"
        self.disk.lose_power(self.root, after)
        await store.close()
        shutil.rmtree(self.root)
        self.root = after

    def path_of(self, pack_id: str) -> Path:
        (path,) = self.root.glob(f"**/{pack_id}.pack")
        return path

    def open_files(self) -> list[str]:
        """Return the names of the packs that this process has open."""
        names = []
        for link in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since we looked
                path = link.readlink()
                if path.suffix and path.is_relative_to(self.root):
                    names.append(path.stem)
        return names

    def flip_byte(self, location: Location, at: int) -> None:
        with self.path_of(location.pack_id).open("r+b") as file:
            file.seek(location.offset + at)
            (byte,) = file.read(1)
            file.seek(location.offset + at)
            file.write(bytes([byte ^ 0xFF]))

    def cut(self, location: Location, at: int) -> None:
        os.truncate(self.path_of(location.pack_id), location.offset + at)

    def lose(self, pack_id: str) -> None:
        self.path_of(pack_id).unlink()

    def leave_room(self, size_bytes: int) -> None:
        self.disk.free_bytes = size_bytes

    def fail_syncs(self) -> None:
        self.disk.sync_error = errno.EIO

    def heal_syncs(self) -> None:
        self.disk.sync_error = None
