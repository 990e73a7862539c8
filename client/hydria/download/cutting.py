"""Cuts local files that nobody has cut yet, as an upload of them would."""

from __future__ import annotations

from hydria.chunking import Chunker
from hydria.errors import SourceError
from hydria.records import ChunkerParameters
from hydria.scan_cache import ScanCache
from hydria.scanned_files import ScannedFile
from hydria.threads import Stop
from hydria.upload.buffers import BufferPool
from hydria.upload.pieces import Entry, Window
from hydria.upload.scanner import Scanner, ScanSettings
from hydria.walk import LocalFile

_BUFFER_BYTES = 8 << 20
_BUFFERS = 2


class Cutter:
    """Reads files, and remembers how they were cut. Its memory is taken when it is first used."""

    def __init__(self, parameters: ChunkerParameters, *, chunks_per_entry_max: int) -> None:
        pool = BufferPool(buffer_bytes=_BUFFER_BYTES, count=_BUFFERS)
        self._settings = ScanSettings(
            pool=pool,
            remembered_pool=pool,
            chunker=Chunker(parameters),
            chunks_per_entry_max=chunks_per_entry_max,
            trust_cache=False,
        )

    def cut(self, file: LocalFile, cache: ScanCache, stop: Stop) -> ScannedFile:
        """Return what a file holds.

        Raises:
            OSError: it cannot be read.
            SourceError: it is no regular file, or kept changing.
        """
        entries: list[Entry] = []

        def take(window: Window) -> None:
            entries.extend(window.entries)
            window.release()

        Scanner(self._settings, cache=cache, emit=take, stop=stop).scan([file])
        if not entries:
            raise SourceError(f"{file.local!r} has gone")
        entry = entries[0]
        return ScannedFile(entry.content_digest, entry.chunk_digests, entry.chunk_sizes)
