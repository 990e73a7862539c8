"""Which chunks a domain has, and the promise that they stay until an upload ends."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.chunks import ChunkRef, ChunkState
from hydria_server.domain.digest import EMPTY_CONTENT_DIGEST
from hydria_server.domain.records import UploadRecord
from hydria_server.storage.metadata.interface import IndexedChunk, MetadataStore, Rows


class Presence:
    """Answers from the rows that garbage collection itself changes, never from a cache."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata

    async def pin(self, upload: UploadRecord, refs: Sequence[ChunkRef]) -> set[bytes]:
        """Return the digests among `refs` that are present with that size, pinned for `upload`.

        Pinned means touched since the upload began: collection spares it while the upload is open
        (I5). Only then is a row written, so at most once per chunk and collection cycle.
        """
        digests = list({ref.digest: None for ref in refs})
        rows = await self._metadata.read(lambda rows: rows.chunks.find(upload.domain.id, digests))
        live = {digest: row for digest, row in rows.items() if row.state is ChunkState.LIVE}
        stale = [digest for digest, row in live.items() if row.touch_epoch < upload.start_epoch]
        if stale:
            for digest in set(stale) - await self._touch(upload, stale):
                del live[digest]  # condemned since it was read
        return {ref.digest for ref in refs if _has_size(live.get(ref.digest), ref.size_bytes)}

    async def _touch(self, upload: UploadRecord, digests: Sequence[bytes]) -> set[bytes]:
        async def touch(rows: Rows) -> set[bytes]:
            epoch = (await rows.store.info()).epoch
            return await rows.chunks.touch(upload.domain.id, digests, epoch=epoch)

        return await self._metadata.write(touch)

    async def missing_indexes(self, upload: UploadRecord, refs: Sequence[ChunkRef]) -> list[int]:
        """Return the places in `refs` of chunks that must be sent. No bytes are never missing."""
        present = await self.pin(upload, refs)
        return [
            index
            for index, ref in enumerate(refs)
            if ref.digest not in present
            and not (ref.size_bytes == 0 and ref.digest == EMPTY_CONTENT_DIGEST)
        ]


def _has_size(row: IndexedChunk | None, size_bytes: int) -> bool:
    return row is not None and row.chunk.size_bytes == size_bytes
