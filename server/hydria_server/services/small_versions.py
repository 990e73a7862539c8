"""PutVersion: a small version in one call, and in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydria_server.domain.chunks import Chunk, ChunkState, StoredChunk
from hydria_server.domain.digest import EMPTY_CONTENT_DIGEST
from hydria_server.domain.errors import BatchTooLargeError
from hydria_server.domain.manifest import FileEntry, encode_entry, entry_path
from hydria_server.domain.paths import require_path
from hydria_server.domain.records import Domain, EntityRecord, UploadRecord, UploadState
from hydria_server.domain.roles import Role
from hydria_server.services.budget import ByteBudget
from hydria_server.services.capacity import Capacity
from hydria_server.services.commit import (
    Commitment,
    CommitRequest,
    checked_words,
    hash_of,
    publish_or_replay,
)
from hydria_server.services.hashing import INLINE_BYTES, Hashing, digest_of
from hydria_server.services.manifest_builder import BuiltManifest
from hydria_server.services.manifest_writer import ManifestWriter
from hydria_server.services.publication import Publication
from hydria_server.services.sessions import Clock, NewUpload, UploadSessions, begun_before
from hydria_server.services.staging import MAX_OPERATIONS, require_distinct
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from hydria_server.storage.packs.interface import PackStore

MAX_PUT_VERSION_BYTES = 1024 * 1024
_INLINE_FILES = 100  # so many are a manifest in less time than a thread hop takes


class CondemnedError(Exception):
    """A collection took chunks between our look and our touch: they are missing now."""


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A file with its content."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SmallContent:
    """What the files come to: their chunks, that of the manifest among them."""

    manifest: BuiltManifest
    chunks: dict[bytes, Chunk]


@dataclass(frozen=True, slots=True)
class _Look:
    """What there was before anything was written."""

    known: UploadRecord | None
    entity: EntityRecord | None
    live: set[bytes]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Chunks that are on the disk, and not yet referred to."""

    entity: EntityRecord
    stored: list[StoredChunk]
    live: set[bytes]  # those that were there before


class SmallVersions:
    """Makes small versions.

    All that is small enough to be held at once needs no session that outlives the call: the bytes
    are synced, and then one transaction begins the upload, indexes and pins its chunks and
    publishes the version. What fails leaves garbage in a pack and not one row.
    """

    def __init__(
        self,
        sessions: UploadSessions,
        capacity: Capacity,
        packs: PackStore,
        metadata: MetadataStore,
        clock: Clock,
        hashing: Hashing,
        budget: ByteBudget,
    ) -> None:
        self._sessions = sessions
        self._capacity = capacity
        self._packs = packs
        self._metadata = metadata
        self._clock = clock
        self._hashing = hashing
        self._budget = budget

    async def put(
        self,
        new: NewUpload,
        files: Sequence[InlineFile],
        request: CommitRequest,
        *,
        actor: str,
        role: Role,
    ) -> Commitment:
        """Store and commit the files; the same request id gets the same answer.

        Raises:
            BatchTooLargeError: there is more than 1 MiB of content, or more than 10,000 files.
            PathInvalidError, DuplicatePathError, PathConflictError: the files are no version.
            StorageUnavailableError: the store takes no writes.
            As UploadSessions.create and Commits.commit.
        """
        _check(files, request)
        self._sessions.check(new)
        async with self._budget.hold(sum(len(file.content) for file in files)):
            new = replace(new, payload_hash=payload_hash(files, request))
            content = await self._content_of(files)
            while True:
                try:
                    return await self._attempt(new, content, request, actor, role)
                except CondemnedError:
                    continue

    async def _content_of(self, files: Sequence[InlineFile]) -> SmallContent:
        size = sum(len(file.content) for file in files)
        if size <= INLINE_BYTES and len(files) <= _INLINE_FILES:
            return small_content(files)
        return await self._hashing.run(lambda: small_content(files))

    async def _attempt(
        self, new: NewUpload, content: SmallContent, request: CommitRequest, actor: str, role: Role
    ) -> Commitment:
        look = await self._metadata.read(lambda rows: _look(rows, new, list(content.chunks)))
        kept: _Kept | None = None  # of a committed one only its answer is read
        if look.known is None or look.known.state is not UploadState.COMMITTED:
            kept = await self._keep(look, new, content)

        async def publish(rows: Rows) -> Commitment:
            if look.known is not None and look.known.state is not UploadState.COMMITTED:
                # An older release began it and came to no end: it stands for nothing.
                await self._sessions.give_up(rows, look.known)
            entity = kept.entity if kept else look.entity
            upload = await self._sessions.begin(rows, new, entity=entity)
            if upload.state is not UploadState.COMMITTED and kept is not None:
                await index_chunks(rows, upload, kept.stored, kept.live)
            words = checked_words(request)
            publication = Publication(
                upload.upload_id,
                content.manifest,
                None,
                words,
                actor,
                role,
                self._clock(),
                hash_of(words),
            )
            return await publish_or_replay(rows, upload, publication)

        return await self._metadata.write(publish)

    async def _keep(self, look: _Look, new: NewUpload, content: SmallContent) -> _Kept:
        """Make those chunks durable that are not there."""
        entity = look.entity
        await self._capacity.require_room()
        if entity is None:
            now_us = self._clock()
            entity = await self._metadata.write(
                lambda rows: rows.names.ensure_entity(new.name.entity, now_us=now_us)
            )
        missing = [chunk for digest, chunk in content.chunks.items() if digest not in look.live]
        return _Kept(entity, await self._append(entity.domain, missing), look.live)

    async def store(self, domain: Domain, chunks: Sequence[Chunk]) -> list[StoredChunk]:
        """Make chunks durable that a later transaction will refer to.

        Raises:
            StorageFullError: there is no room.
            StorageUnavailableError: the store takes no writes.
        """
        if chunks:
            await self._capacity.require_room()
        return await self._append(domain, chunks)

    async def _append(self, domain: Domain, chunks: Sequence[Chunk]) -> list[StoredChunk]:
        if not chunks:
            return []
        append = asyncio.ensure_future(self._packs.append(domain.key, chunks))
        try:
            locations = await asyncio.shield(append)
        except asyncio.CancelledError:
            await asyncio.wait([append])  # I9: the bytes are held until they are written
            append.exception()  # looked at, so that nobody complains that it was not
            raise
        return [
            StoredChunk(chunk.digest, chunk.size_bytes, location)
            for chunk, location in zip(chunks, locations, strict=True)
        ]


async def _look(rows: Rows, new: NewUpload, digests: Sequence[bytes]) -> _Look:
    known = await begun_before(rows, new)
    entity = await rows.names.entity(new.name.entity)
    if entity is None:
        return _Look(known, None, set())
    return _Look(known, entity, await live_chunks(rows, entity.domain, digests))


async def live_chunks(rows: Rows, domain: Domain, digests: Sequence[bytes]) -> set[bytes]:
    """Return those of the chunks that are there."""
    found = await rows.chunks.find(domain.id, digests)
    return {digest for digest, row in found.items() if row.state is ChunkState.LIVE}


async def index_chunks(
    rows: Rows, upload: UploadRecord, stored: Sequence[StoredChunk], known: set[bytes]
) -> None:
    """Index and pin chunks; the upload began in this transaction, so its epoch is now's.

    Raises:
        CondemnedError: some of those that were known are not there any more.
    """
    await rows.chunks.put(upload.domain.id, stored, epoch=upload.start_epoch)
    if known:
        live = await rows.chunks.touch(upload.domain.id, list(known), epoch=upload.start_epoch)
        if live != known:
            raise CondemnedError


def small_content(files: Sequence[InlineFile]) -> SmallContent:
    """Return what the files come to.

    Raises:
        PathConflictError: a path is a directory of another one.
    """
    chunks: dict[bytes, Chunk] = {}

    def emit(data: bytes) -> bytes:
        digest = digest_of(data)
        chunks[digest] = Chunk(digest, data)
        return digest

    entries = []
    for file in files:
        digest = emit(file.content) if file.content else EMPTY_CONTENT_DIGEST
        entries.append(encode_entry(FileEntry(file.path, len(file.content), digest)))
    writer = ManifestWriter(emit)
    for raw in sorted(entries, key=entry_path):
        writer.take(raw)
    digest = writer.finish()
    manifest = BuiltManifest(digest, writer.file_count, writer.size_bytes, writer.shards)
    return SmallContent(manifest, chunks)


def payload_hash(files: Sequence[InlineFile], request: CommitRequest) -> bytes:
    """Return what tells one request to make a small version from another."""
    words = (request.description, request.metadata_json, *request.tags, "", *request.aliases)
    if request.run_ref:
        words = (*words, "", request.run_ref)
    content = (digest_of(file.path.encode()) + digest_of(file.content) for file in files)
    return digest_of(b"".join((*(digest_of(word.encode()) for word in words), *content)))


def _check(files: Sequence[InlineFile], request: CommitRequest) -> None:
    """Refuse what can be refused before anything is written."""
    size = sum(len(file.content) for file in files)
    if size > MAX_PUT_VERSION_BYTES:
        raise BatchTooLargeError(
            f"{size} bytes are more than {MAX_PUT_VERSION_BYTES}; use CreateUpload",
            details={"limit": str(MAX_PUT_VERSION_BYTES)},
        )
    if len(files) > MAX_OPERATIONS:
        raise BatchTooLargeError(
            f"{len(files)} files are more than {MAX_OPERATIONS}",
            details={"limit": str(MAX_OPERATIONS)},
        )
    for file in files:
        require_path(file.path, field="path")
    require_distinct([file.path for file in files])
    checked_words(request)
