"""Of which chunks files consist, for clients that have some of them already."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.records import Domain, VersionRecord
from hydria_server.services.downloads import require_few
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.recipes import Recipes
from hydria_server.services.versions import Versions

# About 700 KiB on the wire; a recipe has at most 4,096 chunks when this server made it, 32,768 when
# a client did.
MAX_CHUNKS_LISTED = 20_000
# Lists of small files are short: a message of many paths' lists stays small too.
_MAX_LISTS = 5_000


@dataclass(frozen=True, slots=True)
class ChunkList:
    """Chunks of one file, one after the other: all of them, or a part."""

    path_index: int
    chunks: Sequence[ChunkRef]


class ChunkLists:
    """Reads chunk lists from manifests and recipes, one recipe at a time (I9)."""

    def __init__(self, versions: Versions, manifests: ManifestReader, recipes: Recipes) -> None:
        self._versions = versions
        self._manifests = manifests
        self._recipes = recipes

    async def open(
        self, ref: str, paths: Sequence[str]
    ) -> tuple[VersionRecord, AsyncGenerator[list[ChunkList], None]]:
        """Return the version, and the lists of these files in batches, in the order asked.

        Raises:
            As Versions.get; BatchTooLargeError. The batches: FileNotFoundInVersionError,
            FieldViolationError, ChunkCorruptError.
        """
        require_few("paths", len(paths))
        version = await self._versions.get(ref)
        return version, self._batches(version, paths)

    async def _batches(
        self, version: VersionRecord, paths: Sequence[str]
    ) -> AsyncGenerator[list[ChunkList], None]:
        domain = await self._manifests.domain(version)
        batch: list[ChunkList] = []
        count = 0
        async for part in self._parts(version, domain, paths):
            if batch and (count + len(part.chunks) > MAX_CHUNKS_LISTED or len(batch) >= _MAX_LISTS):
                yield batch
                batch, count = [], 0
            batch.append(part)
            count += len(part.chunks)
        if batch:
            yield batch

    async def _parts(
        self, version: VersionRecord, domain: Domain, paths: Sequence[str]
    ) -> AsyncGenerator[ChunkList, None]:
        entries = await self._manifests.files(version, paths)
        for index, path in enumerate(paths):
            entry = entries[path]
            if entry.is_reference:
                raise FieldViolationError("paths", f"{path[:200]!r} is a reference")
            async for placed in self._recipes.chunks_between(domain, entry, 0, entry.size_bytes):
                for part in _cut([chunk.ref for chunk in placed]):
                    yield ChunkList(index, part)


def _cut(chunks: Sequence[ChunkRef]) -> Iterable[Sequence[ChunkRef]]:
    """Yield the chunks in parts that fit a message; one empty part for no chunks."""
    for start in range(0, max(len(chunks), 1), MAX_CHUNKS_LISTED):
        yield chunks[start : start + MAX_CHUNKS_LISTED]
