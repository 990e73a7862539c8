"""Puts complete files into the version to be, in batches."""

from __future__ import annotations

from collections.abc import Iterable

from hydria.digests import DIGEST_BYTES
from hydria.errors import ChunksMissingError
from hydria.references.words import Reference
from hydria.upload.pieces import Copy, Entry
from hydria.upload.session import UploadSession
from hydria.v1 import artifact_pb2 as pb

_BATCH_BYTES_MAX = 1 << 20
# What an entry takes on the wire beside its path and its lists.
_ENTRY_BYTES = 64


class Stager:
    """Collects operations and sends them when they fill a message."""

    def __init__(self, session: UploadSession) -> None:
        self._session = session
        self._request = pb.StageFilesRequest()
        self._size_bytes = 0

    async def put(self, entries: Iterable[Entry | Reference | Copy]) -> None:
        """Stage files whose chunks are all there, references and copies.

        Raises as `UploadSession.stage`.
        """
        for entry in entries:
            if isinstance(entry, Reference):
                await self._refer(entry)
            elif isinstance(entry, Copy):
                await self._copy(entry)
            else:
                size_bytes = _ENTRY_BYTES + len(entry.path) * 4 + len(entry.recipe_digests)
                if not entry.recipe_digests:
                    size_bytes += len(entry.chunk_digests) + 5 * len(entry.chunk_sizes)
                await self._make_room(size_bytes)
                _fill(self._request.operations.add().put, entry)

    async def remove(self, *, paths: Iterable[str], prefixes: Iterable[str]) -> None:
        """Leave out files of the base version. Raises as `UploadSession.stage`."""
        for path in paths:
            await self._make_room(4 * len(path))
            self._request.operations.add(remove_path=path)
        for prefix in prefixes:
            await self._make_room(4 * len(prefix))
            self._request.operations.add(remove_prefix=prefix)

    async def flush(self) -> None:
        """Send what is left. Raises as `UploadSession.stage`."""
        request, self._request, self._size_bytes = self._request, pb.StageFilesRequest(), 0
        if not request.operations:
            return
        response = await self._session.stage(request)
        if response.missing_digests:
            count = len(response.missing_digests) // DIGEST_BYTES
            raise ChunksMissingError(f"the server lost {count} chunks that it had reported present")

    async def _refer(self, reference: Reference) -> None:
        words = len(reference.path) + len(reference.uri) + len(reference.checksum)
        await self._make_room(_ENTRY_BYTES + 4 * words)
        self._request.operations.add(
            put_reference=pb.ReferenceEntry(
                path=reference.path,
                size_bytes=reference.size_bytes,
                uri=reference.uri,
                checksum=reference.checksum,
            )
        )

    async def _copy(self, copy: Copy) -> None:
        words = len(copy.path) + len(copy.source_ref) + len(copy.source_path)
        await self._make_room(_ENTRY_BYTES + 4 * words)
        self._request.operations.add(
            copy=pb.CopiedEntry(
                path=copy.path, source_ref=copy.source_ref, source_path=copy.source_path
            )
        )

    async def _make_room(self, size_bytes: int) -> None:
        is_full = len(self._request.operations) >= self._session.limits.max_operations_per_stage
        if is_full or self._size_bytes + size_bytes > _BATCH_BYTES_MAX:
            await self.flush()
        self._size_bytes += size_bytes


def _fill(put: pb.FileEntry, entry: Entry) -> None:
    """Write an entry in place, which takes a sixth of the time that building messages does."""
    put.path = entry.path
    put.size_bytes = entry.size_bytes
    put.content_digest = entry.content_digest
    if entry.recipe_digests:
        put.recipe_digests = entry.recipe_digests
    elif entry.chunk_sizes:
        put.chunk_digests = entry.chunk_digests
        put.chunk_sizes.extend(entry.chunk_sizes)
