"""Checks the stored files of a version: every chunk, every recipe, every file as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.damage import Damage, DamageKind
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.manifest import FileEntry, RecipeRef, decode_recipe
from hydria_server.domain.records import Domain
from hydria_server.services.budget import ByteBudget
from hydria_server.services.chunk_audit import ChunkAudit
from hydria_server.services.chunk_reader import WINDOW_BYTES, WINDOW_CHUNKS
from hydria_server.services.findings import Findings
from hydria_server.services.hashing import FileHasher, Hashing

_WINDOW_FILES = 1000


@dataclass(slots=True)
class _OpenFile:
    """A file whose chunks are being checked."""

    entry: FileEntry
    hasher: FileHasher | None  # None where its only chunk's digest is its own
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk of a file, and where it begins."""

    file: _OpenFile
    offset: int
    ref: ChunkRef


@dataclass(slots=True)
class _Window:
    """What is read and hashed at once, and the files that end in it."""

    pieces: list[_Piece] = field(default_factory=list)
    ended: list[_OpenFile] = field(default_factory=list)
    size_bytes: int = 0

    def is_full(self, upcoming_bytes: int = 0) -> bool:
        crowded = len(self.pieces) >= WINDOW_CHUNKS or len(self.ended) >= _WINDOW_FILES
        return crowded or (bool(self.pieces) and self.size_bytes + upcoming_bytes > WINDOW_BYTES)

    def add(self, piece: _Piece) -> None:
        self.pieces.append(piece)
        self.size_bytes += piece.ref.size_bytes


class FileChecks:
    """Checks files one window of chunks at a time, and notes what is damaged.

    I9: the bytes held are those of one window, and within the budget of reads.
    """

    def __init__(
        self, audit: ChunkAudit, hashing: Hashing, budget: ByteBudget, findings: Findings
    ) -> None:
        self._audit = audit
        self._hashing = hashing
        self._budget = budget
        self._findings = findings

    async def check(
        self, domain: Domain, batches: AsyncIterable[Sequence[FileEntry]]
    ) -> AsyncGenerator[None, None]:
        """Check all stored files among the entries; yield after each window."""
        window = _Window()
        async for entries in batches:
            for entry in entries:
                if entry.is_reference:
                    self._findings.reference_count += 1
                    continue
                file = _opened(entry)
                async for piece in self._pieces(domain, file):
                    if window.is_full(piece.ref.size_bytes):
                        await self._examine(domain, window)
                        yield
                        window = _Window()
                    window.add(piece)
                window.ended.append(file)
                if window.is_full():
                    await self._examine(domain, window)
                    yield
                    window = _Window()
            await asyncio.sleep(0)  # serving goes first
        await self._examine(domain, window)
        yield

    async def _pieces(self, domain: Domain, file: _OpenFile) -> AsyncGenerator[_Piece, None]:
        offset = 0
        for ref in file.entry.listed_chunks():
            yield _Piece(file, offset, ref)
            offset += ref.size_bytes
        for recipe in file.entry.recipes:
            end = offset + recipe.covered_bytes
            for ref in await self._listed(domain, file, recipe, offset):
                yield _Piece(file, offset, ref)
                offset += ref.size_bytes
            offset = end

    async def _listed(
        self, domain: Domain, file: _OpenFile, recipe: RecipeRef, offset: int
    ) -> Sequence[ChunkRef]:
        """Return the chunks of a recipe; none, and the damage noted, if it cannot be read."""
        (data,) = await self._audit.check(domain, [ChunkRef(recipe.digest, recipe.size_bytes)])
        if data is not None:
            try:
                return decode_recipe(bytes(data))
            except FieldViolationError:
                pass
        file.is_damaged = True
        covered = recipe.covered_bytes
        self._findings.add(
            Damage(
                DamageKind.RECIPE, recipe.digest, file.entry.path, offset=offset, size_bytes=covered
            )
        )
        return ()

    async def _examine(self, domain: Domain, window: _Window) -> None:
        async with self._budget.hold(window.size_bytes):
            payloads = await self._audit.check(domain, [piece.ref for piece in window.pieces])
            await self._hashing.run(partial(_feed, window.pieces, payloads))
        for piece, data in zip(window.pieces, payloads, strict=True):
            self._note(piece, is_right=data is not None)
        for file in window.ended:
            self._end(file)

    def _note(self, piece: _Piece, *, is_right: bool) -> None:
        size, findings = piece.ref.size_bytes, self._findings
        findings.checked_chunks += 1
        if is_right:
            findings.checked_bytes += size
            return
        piece.file.is_damaged = True
        path = piece.file.entry.path
        findings.add(
            Damage(DamageKind.CHUNK, piece.ref.digest, path, offset=piece.offset, size_bytes=size)
        )

    def _end(self, file: _OpenFile) -> None:
        entry, hasher = file.entry, file.hasher
        if hasher and not file.is_damaged:
            found = hasher.size_bytes, hasher.digest()
            if found != (entry.size_bytes, entry.content_digest):
                file.is_damaged = True
                self._findings.add(Damage(DamageKind.FILE, entry.content_digest, entry.path))
        self._findings.checked_files += 1
        self._findings.damaged_files += file.is_damaged


def _opened(entry: FileEntry) -> _OpenFile:
    is_one_chunk = entry.size_bytes and not entry.chunks and not entry.recipes
    return _OpenFile(entry, None if is_one_chunk else FileHasher())


def _feed(pieces: Sequence[_Piece], payloads: Sequence[memoryview | None]) -> None:
    for piece, data in zip(pieces, payloads, strict=True):
        if data is not None and piece.file.hasher:
            piece.file.hasher.update(data)
