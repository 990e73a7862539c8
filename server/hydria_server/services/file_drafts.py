"""Files as clients claim them, checked and turned into manifest entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import MAX_CHUNK_BYTES, ChunkRef
from hydria_server.domain.digest import EMPTY_CONTENT_DIGEST, format_digest, require_digest
from hydria_server.domain.errors import (
    BatchTooLargeError,
    ChunksMissingError,
    ChunkTooLargeError,
    DigestMismatchError,
    FieldViolationError,
    SizeMismatchError,
)
from hydria_server.domain.manifest import FileEntry, RecipeRef, decode_recipe
from hydria_server.domain.paths import require_path
from hydria_server.domain.records import UploadRecord
from hydria_server.domain.references import require_reference
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.recipes import Recipes

MAX_CHUNKS_PER_ENTRY = 4096
MAX_RECIPES_PER_ENTRY = 4096
# About 256 GiB at the average chunk size; bounds what one file costs in memory (I9).
MAX_CHUNKS_PER_FILE = 524_288


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A file to be: what a client says of it."""

    path: str
    size_bytes: int
    content_digest: bytes
    chunks: Sequence[ChunkRef] = ()
    recipe_digests: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class ReferenceDraft:
    """A reference to be: what a client says of bytes elsewhere. Nobody here can check it."""

    path: str
    size_bytes: int
    uri: str
    checksum: str


def reference_entry(draft: ReferenceDraft) -> FileEntry:
    """Return the entry of a reference.

    Raises:
        PathInvalidError, ReferenceInvalidError: the draft is malformed.
    """
    require_path(draft.path, field="path")
    require_reference(
        draft.path, uri=draft.uri, size_bytes=draft.size_bytes, checksum=draft.checksum
    )
    return FileEntry(draft.path, draft.size_bytes, ref_uri=draft.uri, ref_checksum=draft.checksum)


class FileDrafts:
    """Makes entries of drafts."""

    def __init__(self, reader: ChunkReader, recipes: Recipes) -> None:
        self._reader = reader
        self._recipes = recipes

    async def entry(self, upload: UploadRecord, draft: FileDraft) -> FileEntry:
        """Return the entry: its shape is right, its chunks may yet be missing.

        Raises:
            PathInvalidError, FieldViolationError, SizeMismatchError, ChunkTooLargeError,
            BatchTooLargeError: the draft is malformed.
            DigestMismatchError: it has one chunk, and that is not its content.
            ChunksMissingError: a recipe was not uploaded before.
        """
        require_path(draft.path, field="path")
        require_digest(draft.content_digest, field="content_digest")
        if draft.recipe_digests:
            return await self._with_recipes(upload, draft)
        if not draft.chunks:
            return _without_list(draft)
        if len(draft.chunks) > MAX_CHUNKS_PER_ENTRY:
            raise BatchTooLargeError(
                f"{draft.path[:200]!r} lists {len(draft.chunks)} chunks; use recipes",
                details={"limit": str(MAX_CHUNKS_PER_ENTRY)},
            )
        _check_chunks(draft, draft.chunks)
        if len(draft.chunks) == 1:
            if draft.chunks[0].digest != draft.content_digest:
                raise _mismatch(draft)
            return FileEntry(draft.path, draft.size_bytes, draft.content_digest)
        entry = FileEntry(draft.path, draft.size_bytes, draft.content_digest, tuple(draft.chunks))
        return await self._recipes.shorten(upload, entry)

    async def _with_recipes(self, upload: UploadRecord, draft: FileDraft) -> FileEntry:
        if draft.chunks:
            raise FieldViolationError("recipe_digests", "a file has chunks or recipes, not both")
        if len(draft.recipe_digests) > MAX_RECIPES_PER_ENTRY:
            raise BatchTooLargeError(
                f"{draft.path[:200]!r} has more than {MAX_RECIPES_PER_ENTRY} recipes",
                details={"limit": str(MAX_RECIPES_PER_ENTRY)},
            )
        recipes, chunks = await self._read_recipes(upload, draft)
        _check_chunks(draft, chunks)
        return FileEntry(draft.path, draft.size_bytes, draft.content_digest, recipes=tuple(recipes))

    async def _read_recipes(
        self, upload: UploadRecord, draft: FileDraft
    ) -> tuple[list[RecipeRef], list[ChunkRef]]:
        sizes = await self._reader.live_sizes(upload.domain, draft.recipe_digests)
        recipes: list[RecipeRef] = []
        chunks: list[ChunkRef] = []
        for digest in draft.recipe_digests:
            if digest not in sizes:
                raise ChunksMissingError(
                    f"a recipe of {draft.path[:200]!r} was not uploaded",
                    details={"count": "1", "digests": format_digest(digest)},
                )
            data = await self._reader.read_one(upload.domain, ChunkRef(digest, sizes[digest]))
            part = decode_recipe(data, field="recipe_digests")
            covered = sum(ref.size_bytes for ref in part)
            recipes.append(RecipeRef(digest, sizes[digest], len(part), covered))
            chunks.extend(part)
            if len(chunks) > MAX_CHUNKS_PER_FILE:
                raise BatchTooLargeError(
                    f"{draft.path[:200]!r} has more than {MAX_CHUNKS_PER_FILE} chunks",
                    details={"limit": str(MAX_CHUNKS_PER_FILE)},
                )
        return recipes, chunks


def _without_list(draft: FileDraft) -> FileEntry:
    if draft.size_bytes > MAX_CHUNK_BYTES:
        raise FieldViolationError(
            "chunk_digests", f"{draft.path[:200]!r} is larger than a chunk and lists none"
        )
    if draft.size_bytes == 0 and draft.content_digest != EMPTY_CONTENT_DIGEST:
        raise _mismatch(draft)
    return FileEntry(draft.path, draft.size_bytes, draft.content_digest)


def _check_chunks(draft: FileDraft, chunks: Sequence[ChunkRef]) -> None:
    largest = max(ref.size_bytes for ref in chunks)
    if largest > MAX_CHUNK_BYTES:
        raise ChunkTooLargeError(
            f"a chunk of {draft.path[:200]!r} has {largest} bytes",
            details={"limit": str(MAX_CHUNK_BYTES)},
        )
    if min(ref.size_bytes for ref in chunks) < 1:
        raise FieldViolationError("chunk_sizes", "a chunk has at least one byte")
    total = sum(ref.size_bytes for ref in chunks)
    if total != draft.size_bytes:
        raise SizeMismatchError(
            f"the chunks of {draft.path[:200]!r} have {total} bytes, not {draft.size_bytes}",
            details={"path": draft.path[:500]},
        )


def _mismatch(draft: FileDraft) -> DigestMismatchError:
    return DigestMismatchError(
        f"the chunks of {draft.path[:200]!r} do not add up to its content digest",
        details={"path": draft.path[:500]},
    )
