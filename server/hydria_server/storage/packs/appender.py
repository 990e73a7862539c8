"""Group commit: many appends, one write, one sync."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from itertools import compress

from hydria_server.domain.chunks import Location
from hydria_server.domain.errors import HydriaError, StorageFullError, StorageUnavailableError
from hydria_server.storage.packs.disk_calls import DiskCalls
from hydria_server.storage.packs.interface import Failpoint
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.open_pack import OpenPack
from hydria_server.storage.packs.pack_id import PackIds
from hydria_server.storage.packs.record import EncodedRecords

_logger = logging.getLogger(__name__)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class PackAppender:
    """Appends to the open pack, and opens and seals one pack after the other.

    Every method blocks, and belongs to the writer's thread. Whatever a method raises is fatal:
    nobody knows what is on the disk then, and the pack must not be written to again.
    """

    def __init__(
        self,
        layout: PackLayout,
        *,
        seal_bytes: int,
        reserve_bytes: int,
        failpoint: Failpoint,
        calls: DiskCalls,
    ) -> None:
        self.pack_count = 0
        self.stored_bytes = 0
        self._layout = layout
        self._seal_bytes = seal_bytes
        self._reserve_bytes = reserve_bytes
        self._reached = failpoint
        self._calls = calls
        self._ids = PackIds()
        self._pack: OpenPack | None = None

    def recover(self) -> None:
        """Make the directories, seal what a crash left open, as it is, and count what is there.

        Raises:
            OSError: the directories cannot be used.
            SyncFailedError: the disk cannot be trusted.
        """
        self._layout.create(self._calls)
        for pack_id in self._layout.open_packs():
            try:
                self._layout.seal(pack_id, self._calls)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                _stays_open(pack_id)  # a full disk must still be read, and cleaned up
        for size in self._layout.sizes():
            self.pack_count += 1
            self.stored_bytes += size

    def append(self, group: Sequence[EncodedRecords]) -> list[list[Location] | HydriaError]:
        """Write `group` and sync it once; return, for each append, its locations or a refusal.

        Raises:
            SyncFailedError: what was written may not be on the disk.
            OSError: writing failed for another reason than a lack of room.
        """
        try:
            fits = self._which_fit(group)
            if any(fits) and self._pack is None:
                self._pack = self._new_pack()
        except OSError as error:  # nothing was written yet, so nothing is in doubt
            return [_refusal(error) for _ in group]
        stored = iter(self._store(list(compress(group, fits))))
        return [next(stored) if fit else _full() for fit in fits]

    def seal_if_due(self) -> None:
        """Seal the open pack when it is large enough; the next append opens another."""
        if self._pack and self._pack.size_bytes >= self._seal_bytes:
            self.seal()

    def seal(self) -> None:
        """Seal the open pack, if there is one."""
        if self._pack is None:
            return
        pack, self._pack = self._pack, None
        self._reached("packs.before_seal")
        try:
            pack.seal()
        except OSError:  # not even room for a name, perhaps
            _stays_open(pack.pack_id)
        self._reached("packs.after_seal")

    def abandon(self) -> None:
        """Let go of the open pack and touch it no more."""
        if self._pack is not None:
            pack, self._pack = self._pack, None
            pack.close()

    def _which_fit(self, group: Sequence[EncodedRecords]) -> list[bool]:
        room = self._calls.free_bytes(self._layout.root) - self._reserve_bytes
        fits = []
        for records in group:
            fits.append(records.size_bytes <= room)
            room -= records.size_bytes if fits[-1] else 0
        return fits

    def _new_pack(self) -> OpenPack:
        pack = OpenPack(self._layout, self._ids.next(), calls=self._calls)
        self.pack_count += 1
        self.stored_bytes += pack.size_bytes
        self._reached("packs.after_create")
        return pack

    def _store(self, group: Sequence[EncodedRecords]) -> list[list[Location] | HydriaError]:
        if self._pack is None or not group:
            return []
        try:
            locations = self._write(self._pack, group)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self.seal()  # its tail is garbage now
            return [_full() for _ in group]
        self._reached("packs.after_write")
        self._pack.sync()
        self._reached("packs.after_sync")
        return [*locations]

    def _write(self, pack: OpenPack, group: Sequence[EncodedRecords]) -> list[list[Location]]:
        self._reached("packs.before_write")
        start = offset = pack.size_bytes
        locations = []
        for records in group:
            locations.append(records.locations(pack.pack_id, offset))
            offset += records.size_bytes
        try:
            pack.write([piece for records in group for piece in records.pieces])
        finally:
            self.stored_bytes += pack.size_bytes - start
        return locations


def _stays_open(pack_id: str) -> None:
    _logger.warning(
        "pack %s cannot be sealed; it can be read, and the next start tries again", pack_id
    )


def _refusal(error: OSError) -> HydriaError:
    if error.errno in _NO_ROOM:
        return _full()
    return StorageUnavailableError(f"no pack can be opened just now: {error.strerror}")


def _full() -> StorageFullError:
    return StorageFullError("the store has no room for more chunks; free some, or give it more")
