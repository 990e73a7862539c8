"""Puts complete files into the version to be, in batches."""

from __future__ import annotations

from collections.abc import Iterable

from hydria.errors import ChunksMissingError
from hydria.upload.pieces import DIGEST_BYTES, Entry
from hydria.upload.session import UploadSession
from hydria.v1 import artifact_pb2 as pb

_BATCH_BYTES_MAX = 1 << 20
# What an entry takes on the wire beside its path and its lists.
_ENTRY_BYTES = 64


class Stager:
    """Collects operations and sends them when they fill a message."""

    def __init__(self, session: UploadSession) -> None:
        self._session = session
        self._operations: list[pb.StageOperation] = []
        self._size_bytes = 0

    async def put(self, entries: Iterable[Entry]) -> None:
        """Stage files whose chunks are all there. Raises as `UploadSession.stage`."""
        for entry in entries:
            size_bytes = _ENTRY_BYTES + len(entry.path) * 4 + len(entry.recipe_digests)
            if not entry.recipe_digests:
                size_bytes += len(entry.chunk_digests) + 5 * len(entry.chunk_sizes)
            await self._add(pb.StageOperation(put=_message_of(entry)), size_bytes)

    async def remove(self, *, paths: Iterable[str], prefixes: Iterable[str]) -> None:
        """Leave out files of the base version. Raises as `UploadSession.stage`."""
        for path in paths:
            await self._add(pb.StageOperation(remove_path=path), 4 * len(path))
        for prefix in prefixes:
            await self._add(pb.StageOperation(remove_prefix=prefix), 4 * len(prefix))

    async def flush(self) -> None:
        """Send what is left. Raises as `UploadSession.stage`."""
        operations, self._operations, self._size_bytes = self._operations, [], 0
        if not operations:
            return
        response = await self._session.stage(operations)
        if response.missing_digests:
            count = len(response.missing_digests) // DIGEST_BYTES
            raise ChunksMissingError(f"the server lost {count} chunks that it had reported present")

    async def _add(self, operation: pb.StageOperation, size_bytes: int) -> None:
        full = len(self._operations) >= self._session.limits.max_operations_per_stage
        if full or self._size_bytes + size_bytes > _BATCH_BYTES_MAX:
            await self.flush()
        self._operations.append(operation)
        self._size_bytes += size_bytes


def _message_of(entry: Entry) -> pb.FileEntry:
    if entry.recipe_digests:
        return pb.FileEntry(
            path=entry.path,
            size_bytes=entry.size_bytes,
            content_digest=entry.content_digest,
            recipe_digests=entry.recipe_digests,
        )
    return pb.FileEntry(
        path=entry.path,
        size_bytes=entry.size_bytes,
        content_digest=entry.content_digest,
        chunk_digests=entry.chunk_digests,
        chunk_sizes=entry.chunk_sizes,
    )
