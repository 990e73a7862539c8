"""The pack that is being written to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from hydria_server.storage.packs.disk_calls import DiskCalls, SyncFailedError
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.pack_id import decode
from hydria_server.storage.packs.record import Buffer, encode_pack_header

_PIECES_PER_CALL = 1024  # IOV_MAX of every system we run on


class OpenPack:
    """Bytes go to its end, and stay. Every method blocks, and belongs to the writer's thread."""

    def __init__(self, layout: PackLayout, pack_id: str, *, calls: DiskCalls) -> None:
        """Create the file, and its header, durably.

        Raises:
            OSError: it could not be written; nothing is left of it.
            SyncFailedError: it may not last.
        """
        self.pack_id = pack_id
        self.size_bytes = 0
        self._layout = layout
        self._calls = calls
        path = layout.open_path(pack_id)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self.write([encode_pack_header(decode(pack_id))])
            calls.sync_file(self._descriptor)
            calls.sync_directory(layout.open)
        except (OSError, SyncFailedError):
            self.close()
            path.unlink()
            raise

    def write(self, pieces: Sequence[Buffer]) -> None:
        """Write `pieces` at the end, one after the other, without copying them.

        Raises:
            OSError: not all of it was written; `size_bytes` says how far it came.
        """
        for first in range(0, len(pieces), _PIECES_PER_CALL):
            self._write_all(pieces[first : first + _PIECES_PER_CALL])

    def _write_all(self, pieces: Sequence[Buffer]) -> None:
        missing = sum(map(len, pieces))
        while missing:
            written = self._calls.pwritev(self._descriptor, pieces, self.size_bytes)
            if not written:
                raise OSError(errno.EIO, "the system wrote nothing and gave no reason")
            self.size_bytes += written
            missing -= written
            if missing:
                pieces = _after(pieces, written)

    def sync(self) -> None:
        """Make what was written durable (I1, I6).

        Raises:
            SyncFailedError: it may not be.
        """
        self._calls.sync_data(self._descriptor)

    def seal(self) -> None:
        """Close the file and move it to the sealed ones; whoever reads it goes on reading.

        What was acknowledged is synced already, so only names are left to make durable.

        Raises:
            OSError: it cannot be moved. It stays in `open/`, readable, until the next start.
            SyncFailedError: as `sync`.
        """
        self.close()
        self._layout.seal(self.pack_id, self._calls)

    def close(self) -> None:
        """Close the file and leave it where it is; the next start seals it."""
        os.close(self._descriptor)


def _after(pieces: Sequence[Buffer], written: int) -> list[Buffer]:
    """Return what is left of `pieces` once the first `written` bytes are gone."""
    rest: list[Buffer] = []
    for piece in pieces:
        if written < len(piece):
            rest.append(memoryview(piece)[written:])
        written = max(0, written - len(piece))
    return rest
