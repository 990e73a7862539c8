"""Settles what staged files claim: their chunks are there and pinned, their digests are true."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.records import UploadRecord
from hydria_server.services.file_verification import ClaimedFile, FileVerification
from hydria_server.services.presence import Presence
from hydria_server.services.recipes import Recipes

GROUP_CHUNKS = 20_000


class Resolution:
    """Checks entries once; what it found missing it is asked about again before the commit."""

    def __init__(
        self, presence: Presence, recipes: Recipes, verification: FileVerification
    ) -> None:
        self._presence = presence
        self._recipes = recipes
        self._verification = verification

    async def missing(self, upload: UploadRecord, entries: Sequence[FileEntry]) -> list[bytes]:
        """Return the digests of chunks still to come, having pinned and verified the rest.

        I2 begins here: an entry counts as resolved only when this returns nothing for it.

        Raises:
            DigestMismatchError: a file whose chunks are all there is not what it claims.
            ChunkCorruptError: a chunk or recipe is damaged.
        """
        missing: dict[bytes, None] = {}
        group: list[tuple[FileEntry, list[ChunkRef]]] = []
        size = 0
        for entry in entries:
            if entry.is_reference:
                continue
            group.append((entry, await self._recipes.chunks(upload.domain, entry)))
            size += len(group[-1][1])
            if size >= GROUP_CHUNKS:
                missing.update(await self._settle(upload, group))
                group, size = [], 0
        missing.update(await self._settle(upload, group))
        return list(missing)

    async def _settle(
        self, upload: UploadRecord, group: list[tuple[FileEntry, list[ChunkRef]]]
    ) -> dict[bytes, None]:
        pins = [pin for entry, chunks in group for pin in (*_recipe_pins(entry), *chunks)]
        present = await self._presence.pin(upload, pins)
        # A file without a chunk list is one chunk, which its content digest names, or empty.
        claimed = [
            ClaimedFile(entry.path, entry.content_digest, chunks)
            for entry, chunks in group
            if (entry.chunks or entry.recipes) and all(ref.digest in present for ref in chunks)
        ]
        await self._verification.require_verified(upload.domain, claimed)
        return {ref.digest: None for ref in pins if ref.digest not in present}


def _recipe_pins(entry: FileEntry) -> list[ChunkRef]:
    return [ChunkRef(recipe.digest, recipe.size_bytes) for recipe in entry.recipes]
