"""Packs that are open for reading."""

from __future__ import annotations

import os
from collections import OrderedDict

from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.pack_id import is_pack_id

OPEN_FILES_MAX = 64


class PackFiles:
    """Keeps the packs read last open. Blocks, and belongs to the reader's thread.

    A pack that is sealed meanwhile is the same file under another name, and stays open.
    """

    def __init__(self, layout: PackLayout) -> None:
        self._layout = layout
        self._descriptors: OrderedDict[str, int] = OrderedDict()

    def descriptor(self, pack_id: str) -> int:
        """Return a file descriptor to read the pack with; good until the next call.

        Raises:
            FileNotFoundError: there is no such pack.
            OSError: it cannot be opened.
        """
        if pack_id not in self._descriptors:
            descriptor = self._open(pack_id)
            if len(self._descriptors) >= OPEN_FILES_MAX:
                os.close(self._descriptors.popitem(last=False)[1])
            self._descriptors[pack_id] = descriptor
        self._descriptors.move_to_end(pack_id)
        return self._descriptors[pack_id]

    def close(self) -> None:
        """Close them all."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def _open(self, pack_id: str) -> int:
        if not is_pack_id(pack_id):  # it becomes a part of a path
            raise FileNotFoundError("that is not the id of a pack")
        sealed, still_open = self._layout.sealed_path(pack_id), self._layout.open_path(pack_id)
        # Looked for a second time, it was sealed between the first look and the second.
        for path in (sealed, still_open):
            try:
                return os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
        return os.open(sealed, os.O_RDONLY)
