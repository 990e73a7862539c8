"""Recipes: chunk lists of big files, kept as chunks of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace

from hydria_server.domain.chunks import Chunk, ChunkRef
from hydria_server.domain.manifest import (
    MAX_INLINE_CHUNKS,
    FileEntry,
    RecipeRef,
    decode_recipe,
    encode_recipe,
)
from hydria_server.domain.records import Domain, UploadRecord
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.hashing import digest_of
from hydria_server.services.ingest import ChunkIngest

# Cut after a chunk whose digest ends in ten zero bits, so that an insertion into a file changes
# the recipe it falls into and no other: about 1,024 chunks, or half a GiB, each.
_MIN_CHUNKS = 256
_MAX_CHUNKS = 4096
_BOUNDARY_MASK = (1 << 10) - 1


@dataclass(frozen=True, slots=True)
class PlacedChunk:
    """A chunk of a file, and where in the file it begins, in bytes."""

    offset: int
    ref: ChunkRef


class Recipes:
    """Writes and reads the chunk lists that are too long for a manifest entry."""

    def __init__(self, reader: ChunkReader, ingest: ChunkIngest) -> None:
        self._reader = reader
        self._ingest = ingest

    async def shorten(self, upload: UploadRecord, entry: FileEntry) -> FileEntry:
        """Return the entry, its chunks moved into recipes when there are more than 64."""
        if len(entry.chunks) <= MAX_INLINE_CHUNKS:
            return entry
        recipes: list[RecipeRef] = []
        for part in _cut(entry.chunks):
            data = encode_recipe(part)
            digest = digest_of(data)
            await self._ingest.store(upload, [Chunk(digest, data)])
            covered = sum(ref.size_bytes for ref in part)
            recipes.append(RecipeRef(digest, len(data), len(part), covered))
        return replace(entry, chunks=(), recipes=tuple(recipes))

    async def chunks(self, domain: Domain, entry: FileEntry) -> list[ChunkRef]:
        """Return all chunks of a stored file, in order.

        Raises:
            ChunkCorruptError: a recipe is damaged.
        """
        if not entry.recipes:
            return list(entry.listed_chunks())
        refs: list[ChunkRef] = []
        for recipe in entry.recipes:
            refs.extend(await self._listed(domain, recipe))
        return refs

    async def chunks_between(
        self, domain: Domain, entry: FileEntry, begin: int, end: int
    ) -> AsyncGenerator[list[PlacedChunk], None]:
        """Yield the chunks that overlap the bytes [begin, end) of a stored file, in order.

        I9: one recipe is held at a time, and of those beside the range none is read.

        Raises:
            ChunkCorruptError: a recipe is damaged.
        """
        if not entry.recipes:
            yield list(_overlapping(entry.listed_chunks(), 0, begin, end))
        offset = 0
        for recipe in entry.recipes:
            if offset < end and offset + recipe.covered_bytes > begin:
                listed = await self._listed(domain, recipe)
                yield list(_overlapping(listed, offset, begin, end))
            offset += recipe.covered_bytes

    async def _listed(self, domain: Domain, recipe: RecipeRef) -> list[ChunkRef]:
        ref = ChunkRef(recipe.digest, recipe.size_bytes)
        return decode_recipe(await self._reader.read_one(domain, ref))


def _overlapping(
    chunks: Sequence[ChunkRef], offset: int, begin: int, end: int
) -> Iterator[PlacedChunk]:
    for ref in chunks:
        if offset < end and offset + ref.size_bytes > begin:
            yield PlacedChunk(offset, ref)
        offset += ref.size_bytes


def _cut(chunks: Sequence[ChunkRef]) -> Iterator[Sequence[ChunkRef]]:
    start = 0
    for index, ref in enumerate(chunks, 1):
        count = index - start
        at_boundary = not int.from_bytes(ref.digest[-4:], "big") & _BOUNDARY_MASK
        if count >= _MAX_CHUNKS or (count >= _MIN_CHUNKS and at_boundary):
            yield chunks[start:index]
            start = index
    if start < len(chunks):
        yield chunks[start:]
