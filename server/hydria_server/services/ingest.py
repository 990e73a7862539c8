"""Chunks in: from verified bytes to durable, indexed records, in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import Chunk, ChunkState, StoredChunk
from hydria_server.domain.errors import ServerDrainingError
from hydria_server.domain.records import Domain, UploadRecord
from hydria_server.storage.metadata.interface import IndexedChunk, MetadataStore, Rows
from hydria_server.storage.packs.interface import PackStore

GROUP_BYTES = 16 * 1024 * 1024
GROUP_CHUNKS = 8192


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """How many bytes were new, and how many were there already."""

    stored_bytes: int
    duplicate_bytes: int


@dataclass(slots=True)
class _Request:
    upload: UploadRecord
    chunks: Sequence[Chunk]
    done: asyncio.Future[StoreOutcome]


@dataclass(frozen=True, slots=True)
class _Appended:
    """Chunks of one domain: those that were new are in a pack, synced, and not yet indexed."""

    domain: Domain
    chunks: dict[bytes, Chunk]
    start_epoch: int
    stored: list[StoredChunk]
    stale: list[bytes]  # there, and not yet pinned


class ChunkIngest:
    """Groups the chunks of all streams: one lookup, one append, one transaction for each group.

    The order is the promise (I1, I6): bytes, sync, rows, acknowledgement. One group is appended
    at a time, while the one before it is indexed; what comes meanwhile makes the next one. Each
    costs a sync, a transaction and several thread hops, so that a few large ones are best.
    """

    def __init__(self, packs: PackStore, metadata: MetadataStore) -> None:
        self._packs = packs
        self._metadata = metadata
        self._queue: asyncio.Queue[_Request] = asyncio.Queue()
        self._turn = asyncio.Semaphore(1)  # to append
        self._closed = False

    async def store(self, upload: UploadRecord, chunks: Sequence[Chunk]) -> StoreOutcome:
        """Make verified chunks durable and pin them for `upload`.

        The caller bounds how many bytes wait here. One that is cancelled leaves at most garbage.

        Raises:
            StorageFullError: there is no room.
            StorageUnavailableError: the store takes no writes.
            ServerDrainingError: the server is shutting down.
        """
        if self._closed:
            raise ServerDrainingError("the server is shutting down; retry")
        done: asyncio.Future[StoreOutcome] = asyncio.get_running_loop().create_future()
        request = _Request(upload, chunks, done)
        self._queue.put_nowait(request)
        try:
            return await done
        finally:
            request.chunks = ()  # I9: what waits for a caller that is gone must hold no bytes

    async def run(self) -> None:
        """Serve until cancelled; then refuse what still waits."""
        try:
            async with asyncio.TaskGroup() as settling:
                while True:
                    await self._turn.acquire()
                    settling.create_task(self._settle(await self._next_group()))
        finally:
            self._closed = True
            while not self._queue.empty():
                _refuse(
                    self._queue.get_nowait(), ServerDrainingError("the server is shutting down")
                )

    async def _next_group(self) -> list[_Request]:
        group = [await self._queue.get()]
        size = sum(chunk.size_bytes for chunk in group[0].chunks)
        count = len(group[0].chunks)
        while size < GROUP_BYTES and count < GROUP_CHUNKS and not self._queue.empty():
            group.append(self._queue.get_nowait())
            size += sum(chunk.size_bytes for chunk in group[-1].chunks)
            count += len(group[-1].chunks)
        return group

    async def _settle(self, group: list[_Request]) -> None:
        by_domain: dict[int, list[_Request]] = {}
        for request in group:
            by_domain.setdefault(request.upload.domain.id, []).append(request)
        try:
            try:
                appended = [await self._append_group(some) for some in by_domain.values()]
            finally:
                self._turn.release()
            for one, requests in zip(appended, by_domain.values(), strict=True):
                new = await self._index(one)
                for request in requests:
                    _answer(request, new)
        except Exception as error:  # noqa: BLE001 - handed to the callers, who report it
            for request in group:
                _refuse(request, error)
        finally:
            for request in group:
                _refuse(request, ServerDrainingError("the server is shutting down; retry"))

    async def _append_group(self, requests: list[_Request]) -> _Appended:
        start_epoch = max(request.upload.start_epoch for request in requests)
        chunks = {chunk.digest: chunk for request in requests for chunk in request.chunks}
        return await self._append_missing(requests[0].upload.domain, chunks, start_epoch)

    async def _append_missing(
        self, domain: Domain, chunks: dict[bytes, Chunk], start_epoch: int
    ) -> _Appended:
        rows = await self._metadata.read(lambda rows: rows.chunks.find(domain.id, list(chunks)))
        new = [chunk for digest, chunk in chunks.items() if not _is_live(rows.get(digest))]
        stale = [d for d, row in rows.items() if _is_live(row) and row.touch_epoch < start_epoch]
        return _Appended(domain, chunks, start_epoch, await self._append(domain, new), stale)

    async def _index(self, appended: _Appended) -> set[bytes]:
        """Index what was appended, pin what was there; return the digests that were new."""
        domain, stored, stale = appended.domain, appended.stored, appended.stale
        new = {chunk.digest for chunk in stored}
        if not stored and not stale:
            return new

        async def index(tx: Rows) -> set[bytes]:
            epoch = (await tx.store.info()).epoch
            await tx.chunks.put(domain.id, stored, epoch=epoch)
            return await tx.chunks.touch(domain.id, stale, epoch=epoch) if stale else set()

        condemned = set(stale) - await self._metadata.write(index)
        if condemned:  # by a collection, between our look and our touch: they are missing now
            again = {digest: appended.chunks[digest] for digest in condemned}
            more = await self._append_missing(domain, again, appended.start_epoch)
            new |= await self._index(more)
        return new

    async def _append(self, domain: Domain, new: list[Chunk]) -> list[StoredChunk]:
        if not new:
            return []
        locations = await self._packs.append(domain.key, new)
        return [
            StoredChunk(chunk.digest, chunk.size_bytes, location)
            for chunk, location in zip(new, locations, strict=True)
        ]


def _is_live(row: IndexedChunk | None) -> bool:
    return row is not None and row.state is ChunkState.LIVE


def _answer(request: _Request, new: set[bytes]) -> None:
    """Count each new chunk once, for whoever sent it first."""
    stored = duplicate = 0
    for chunk in request.chunks:
        if chunk.digest in new:
            new.discard(chunk.digest)
            stored += chunk.size_bytes
        else:
            duplicate += chunk.size_bytes
    if not request.done.done():
        request.done.set_result(StoreOutcome(stored, duplicate))


def _refuse(request: _Request, error: BaseException) -> None:
    if not request.done.done():
        request.done.set_exception(error)
