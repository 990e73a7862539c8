"""Builds the manifest of a version to be, off the event loop and outside of any transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hydria_server.domain.chunks import Chunk, ChunkRef
from hydria_server.domain.records import ShardRecord, StagedRun, UploadRecord
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.hashing import Hashing, digest_of
from hydria_server.services.ingest import ChunkIngest
from hydria_server.services.manifest_merge import merge
from hydria_server.services.manifest_writer import ManifestWriter
from hydria_server.services.presence import Presence
from hydria_server.storage.metadata.interface import MetadataStore

T = TypeVar("T")

# How long the merge waits for one chunk to be read or one shard to be synced.
_STEP_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class BuiltManifest:
    """What the commit needs to know of the version's content."""

    digest: bytes
    file_count: int
    size_bytes: int
    shards: Sequence[ShardRecord]


class _Bridge(Protocol):
    def __call__(self, step: Coroutine[object, object, T]) -> T: ...


class ManifestBuilder:
    """Merges what was staged, in a thread; shards are stored as chunks like any other."""

    def __init__(
        self,
        reader: ChunkReader,
        ingest: ChunkIngest,
        presence: Presence,
        metadata: MetadataStore,
        threads: Hashing,
    ) -> None:
        self._reader = reader
        self._ingest = ingest
        self._presence = presence
        self._metadata = metadata
        self._threads = threads

    async def build(self, upload: UploadRecord, runs: Sequence[StagedRun]) -> BuiltManifest:
        """Return the manifest of base - removals + puts; its shards are durable and pinned.

        Raises:
            DuplicatePathError, PathConflictError: what was staged contradicts itself.
            StorageFullError: there is no room for the shards.
        """
        base = await self._base_shards(upload)
        loop = asyncio.get_running_loop()
        stopped = False

        def wait(step: Coroutine[object, object, T]) -> T:
            if stopped:  # the caller is gone: end the thread at its next step
                step.close()
                raise asyncio.CancelledError
            return asyncio.run_coroutine_threadsafe(step, loop).result(_STEP_TIMEOUT_SECONDS)

        try:
            return await self._threads.run(lambda: self._build(upload, runs, base, wait))
        finally:
            stopped = True

    async def _base_shards(self, upload: UploadRecord) -> Sequence[ShardRecord]:
        base = upload.base_version_id
        if base is None:
            return ()
        return await self._metadata.read(lambda rows: rows.versions.shards(base))

    def _build(
        self,
        upload: UploadRecord,
        runs: Sequence[StagedRun],
        base: Sequence[ShardRecord],
        wait: _Bridge,
    ) -> BuiltManifest:
        def fetch(digest: bytes, size_bytes: int) -> bytes:
            return wait(self._reader.read_one(upload.domain, ChunkRef(digest, size_bytes)))

        def emit(data: bytes) -> bytes:
            digest = digest_of(data)
            wait(self._ingest.store(upload, [Chunk(digest, data)]))
            return digest

        writer = ManifestWriter(emit)
        for item in merge(runs, base, fetch):
            writer.take(item)
        digest = writer.finish()
        wait(self._keep(upload, writer.reused))
        return BuiltManifest(digest, writer.file_count, writer.size_bytes, writer.shards)

    async def _keep(self, upload: UploadRecord, reused: Sequence[ShardRecord]) -> None:
        """Pin shards of the base that become the new version's; write again one that was lost."""
        refs = [ChunkRef(shard.digest, shard.size_bytes) for shard in reused]
        present = await self._presence.pin(upload, refs)
        for ref in refs:
            if ref.digest not in present:
                data = await self._reader.read_one(upload.domain, ref)
                await self._ingest.store(upload, [Chunk(ref.digest, data)])
