"""A version of one entity made again in another: its chunks pass through this client.

Nothing of it is written to this machine. Chunks that the other entity has are not fetched; those
that it lacks are held in memory, a few MiB of them at a time, between one stream and the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

from blake3 import blake3

from hydria import messages
from hydria.download.chunk_fetching import ChunkFetcher
from hydria.download.chunk_lists import ChunkLists, chunks_of
from hydria.download.frames import Wanted
from hydria.download.listing import VersionListing
from hydria.errors import (
    ChunksMissingError,
    NotFoundError,
    ReceivedDataError,
    UploadExpiredError,
    UploadNotFoundError,
)
from hydria.groups import first_error
from hydria.records import CopyResult, Version, Words
from hydria.references.words import Reference
from hydria.refs import CollectionName
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.scanned_files import ScannedFile
from hydria.upload.lanes import Batch, Lane, Outbox
from hydria.upload.pieces import Entry, Piece, recipes_of
from hydria.upload.session import UploadSession
from hydria.upload.staging import Stager
from hydria.upload.uploads import Uploads, abort_quietly

# Two loads are held at once: one that is sent, and one that comes.
_LOAD_BYTES = 8 << 20
_PIECES_ASKED_MAX = 4096
_WORTH_ANOTHER_UPLOAD = (ChunksMissingError, UploadExpiredError, UploadNotFoundError)


@dataclass(slots=True)
class _Part:
    """Chunks to ask for together, which file each is of, and the entries that end with them."""

    pieces: list[Piece] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    entries: list[Entry | Reference] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return max(len(self.pieces), len(self.entries)) >= _PIECES_ASKED_MAX

    def add(self, piece: Piece, path: str) -> None:
        self.pieces.append(piece)
        self.paths.append(path)


@dataclass(slots=True)
class _Load:
    """Chunks to fetch with one call, by their digests, and the files that have them."""

    pieces: dict[bytes, Piece] = field(default_factory=dict)
    paths: dict[str, None] = field(default_factory=dict)
    size_bytes: int = 0


class Carrier:
    """Carries versions between entities."""

    def __init__(self, runtime: Runtime, uploads: Uploads) -> None:
        self._runtime = runtime
        self._uploads = uploads

    async def carry(
        self, source: Version, name: CollectionName, *, type: str, words: Words
    ) -> CopyResult:
        """Make a version of `name` with the content of `source`, or find the one that has it.

        Raises:
            ReceivedDataError: the server sent something else than it announced.
            HydriaError: what else the server or the transport says.
        """
        digest = bytes.fromhex(source.digest.rpartition(":")[2])
        try:
            version, ignored = await self._runtime.catalog.reuse_version(
                name, digest, type=type, words=words
            )
            return CopyResult(version=version, created=False, ignored_fields=ignored)
        except NotFoundError:
            pass
        type = type or await self._type_of(name, source)
        with self._runtime.operation():
            for is_last in (False, True):
                session = await self._uploads.begin(name, type=type, base_version="")
                try:
                    return await _Carriage(self._runtime, source, session).run(words)
                except BaseException as error:
                    await abort_quietly(session)
                    if is_last or not isinstance(error, _WORTH_ANOTHER_UPLOAD):
                        raise
        raise AssertionError("unreachable")

    async def _type_of(self, name: CollectionName, source: Version) -> str:
        """Return the source's type for a collection that is to be made."""
        try:
            return (await self._runtime.catalog.collection(name)).type
        except NotFoundError:
            return source.type


class _Carriage:
    """One version on its way into one upload."""

    def __init__(self, runtime: Runtime, source: Version, session: UploadSession) -> None:
        self._source = source
        self._session = session
        self._stager = Stager(session)
        self._sent_bytes = 0
        self._outbox = Outbox()
        self._lane = Lane(
            session,
            self._outbox,
            unacked_bytes_max=min(2 * _LOAD_BYTES, session.limits.max_unacked_bytes),
            on_sent=self._count_sent,
        )
        patience = Patience(runtime.options.retry_seconds)
        self._listing = VersionListing(runtime.connection, source, patience=patience)
        self._lists = ChunkLists(runtime.connection, source.ref, patience=patience)
        self._fetcher = ChunkFetcher(
            runtime.connection,
            source.ref,
            executor=runtime.executor,
            patience=patience,
            digests_max=session.limits.max_digests_per_request,
        )
        self._part = _Part()

    async def run(self, words: Words) -> CopyResult:
        """Carry all of it, and commit."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._lane.run())
                try:
                    await self._carry_all()
                finally:
                    self._outbox.close()
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        await self._stager.flush()
        response = await self._session.commit(words)
        version = messages.version_of(response.version)
        if version.digest != self._source.digest:
            raise ReceivedDataError(
                f"{version.ref} has the digest {version.digest}, its source {self._source.ref}"
                f" {self._source.digest}: delete the copy and report this"
            )
        return CopyResult(
            version=version,
            created=response.created,
            ignored_fields=tuple(response.ignored_fields),
            sent_bytes=self._sent_bytes,
        )

    def _count_sent(self, size_bytes: int) -> None:
        self._sent_bytes += size_bytes

    async def _carry_all(self) -> None:
        everything = await self._listing.select(prefixes=(), globs=(), paths=())
        kinds: tuple[Iterable[Wanted | Reference], ...] = everything.files, everything.references
        entries = merge(*kinds, key=lambda entry: entry.path.encode())
        while group := list(islice(entries, self._session.limits.max_reads_per_download)):
            await self._carry_group(group)
        await self._end_part()

    async def _carry_group(self, group: Sequence[Wanted | Reference]) -> None:
        """Carry some entries, of whose chunks the lists are asked for together."""
        left = [each for each in group if isinstance(each, Wanted) and each.size_bytes]
        listed: Iterator[ScannedFile] = iter(())
        for entry in group:
            if isinstance(entry, Reference):
                self._part.entries.append(entry)
            elif not entry.size_bytes:
                self._part.entries.append(Entry(*entry))
            else:
                scanned = next(listed, None)
                if scanned is None:  # all, unless there are very many
                    lists = await self._lists.read(left)
                    left, listed = left[len(lists) :], iter(lists)
                    scanned = next(listed)
                await self._carry_file(entry, scanned)
            if self._part.is_full:
                await self._end_part()

    async def _carry_file(self, file: Wanted, scanned: ScannedFile) -> None:
        """Ask for the chunks of a file, and have it staged once all of them are there."""
        for digest, size_bytes in chunks_of(scanned):
            self._part.add(Piece(digest, size_bytes, None), file.path)
            if self._part.is_full:
                await self._end_part()
        is_one_chunk = scanned.chunk_digests == file.content_digest
        entry = Entry(*file) if is_one_chunk else Entry(file.path, file.size_bytes, *scanned)
        if len(scanned.chunk_sizes) > self._session.limits.max_chunks_per_entry:
            recipes = recipes_of(scanned.chunk_digests, scanned.chunk_sizes)
            digests = [blake3(recipe).digest() for recipe in recipes]
            for digest, recipe in zip(digests, recipes, strict=True):
                piece = Piece(digest, len(recipe), memoryview(recipe), is_content=False)
                self._part.add(piece, file.path)
            entry = entry._replace(recipe_digests=b"".join(digests))
        self._part.entries.append(entry)

    async def _end_part(self) -> None:
        """Send what the other entity lacks of the part, then stage its entries."""
        part, self._part = self._part, _Part()
        sending: list[Batch] = []
        for load in self._loads(part, await self._session.find_missing(part.pieces)):
            batches = _batches(await self._fetched(load))
            for batch in batches:
                self._outbox.put(batch)
            await _wait_for(sending)
            sending = batches
        await _wait_for(sending)
        await self._stager.put(part.entries)

    def _loads(self, part: _Part, missing: Sequence[Piece]) -> Iterator[_Load]:
        """Yield what is missing in loads that fit into memory and into a call, each chunk once."""
        path_of = {piece.digest: path for piece, path in zip(part.pieces, part.paths, strict=True)}
        load = _Load()
        for digest, piece in {piece.digest: piece for piece in missing}.items():
            is_full = load.size_bytes + piece.size_bytes > _LOAD_BYTES
            if load.pieces and (is_full or len(load.paths) >= self._reads_max):
                yield load
                load = _Load()
            load.pieces[digest] = piece
            load.paths[path_of[digest]] = None
            load.size_bytes += piece.size_bytes
        if load.pieces:
            yield load

    @property
    def _reads_max(self) -> int:
        return self._session.limits.max_reads_per_download

    async def _fetched(self, load: _Load) -> list[Piece]:
        """Return the pieces of a load with their bytes, verified."""
        data: dict[bytes, bytes] = {}

        def take(digest: bytes, chunk: memoryview) -> None:
            data[digest] = bytes(chunk)

        wanted = [(each.digest, each.size_bytes) for each in load.pieces.values() if not each.data]
        await self._fetcher.fetch(wanted, list(load.paths), take=take, on_frame=lambda: None)
        return [
            piece if piece.data else piece._replace(data=memoryview(data[digest]))
            for digest, piece in load.pieces.items()
        ]


def _batches(pieces: Iterable[Piece]) -> list[Batch]:
    batches = [Batch()]
    for piece in pieces:
        if batches[-1].is_full_for(piece):
            batches.append(Batch())
        batches[-1].add(piece)
    return batches


async def _wait_for(batches: Iterable[Batch]) -> None:
    for batch in batches:
        await batch.durable.wait()
