"""Lists of a version's files, in pages or as a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hydria_server.domain.errors import FieldViolationError, PageTokenInvalidError
from hydria_server.domain.filters import Cursor
from hydria_server.domain.globs import Glob, parse_glob
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.paths import MAX_PATH_BYTES
from hydria_server.domain.records import VersionRecord
from hydria_server.domain.refs import parse_ref
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.versions import Versions

# Of paths, URIs and checksums: a page is one message, and references may be 6 KiB each.
_PAGE_BYTES = 3 * 1024 * 1024
_ENTRY_BYTES = 64  # the rest of an entry


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of files of the version that the ref resolved to."""

    version: VersionRecord
    files: list[FileEntry]
    next_page_token: str


class Files:
    """Answers which files a version has."""

    def __init__(self, versions: Versions, manifests: ManifestReader) -> None:
        self._versions = versions
        self._manifests = manifests

    async def page(
        self, ref: str, *, prefix: str, glob: str, page_size: int, page_token: str
    ) -> FilePage:
        """Return one page of files, of those that `glob` stands for unless it is empty.

        Pages of one listing agree, though an alias may move meanwhile: a token stays with the
        version that the first page was of.

        Raises:
            As Versions.get; FieldViolationError, PageTokenInvalidError; ChunkCorruptError.
        """
        require_prefix(prefix)
        globs = _globs(glob)
        limit = page_limit(page_size)
        bound_to = f"files {ref}\0{prefix}\0{glob}"
        cursor = decode_token(page_token, bound_to=bound_to)
        version, after = await self._from(ref, cursor)
        batches = self._manifests.entries(version, prefix=prefix, after=after, globs=globs)
        async with aclosing(batches):
            files, more = await _first(batches, limit)
        end = (version.number, version.id, files[-1].path) if more else None
        return FilePage(version, files, encode_token(end, bound_to=bound_to))

    async def _from(self, ref: str, cursor: Cursor | None) -> tuple[VersionRecord, str]:
        """Return the version that the first page was of, and the last path seen.

        I10: whoever forges a token reaches no further than the collection that the ref names.
        """
        match cursor:
            case None:
                return await self._versions.get(ref), ""
            case (int(number), int(version_id), str(after)) if number >= 0:
                name = parse_ref(ref, field="ref").name
                version = await self._versions.get(f"{name}:v{number}")
                if version.id == version_id:
                    return version, after
        raise PageTokenInvalidError("the page token is of a version that is gone; begin again")

    async def stream(
        self, ref: str, *, prefix: str, glob: str, after: str
    ) -> tuple[VersionRecord, AsyncGenerator[list[FileEntry], None]]:
        """Return the version, and its files in batches: of those that `glob` stands for, if any.

        Raises:
            As Versions.get; FieldViolationError. The batches: ChunkCorruptError.
        """
        require_prefix(prefix)
        globs = _globs(glob)
        version = await self._versions.get(ref)
        return version, self._manifests.entries(version, prefix=prefix, after=after, globs=globs)


async def _first(
    batches: AsyncIterator[list[FileEntry]], limit: int
) -> tuple[list[FileEntry], bool]:
    """Return as many entries as a page takes, and whether there are more."""
    files: list[FileEntry] = []
    size = 0
    async for batch in batches:
        for entry in batch:
            words = (entry.path, entry.ref_uri, entry.ref_checksum)
            size += _ENTRY_BYTES + sum(len(word.encode()) for word in words)
            if len(files) >= limit or size > _PAGE_BYTES:
                return files, True
            files.append(entry)
    return files, False


def require_prefix(prefix: str) -> str:
    """Return the prefix if a path may begin with it.

    Raises:
        FieldViolationError: it is longer than any path.
    """
    if len(prefix.encode("utf-8", "replace")) > MAX_PATH_BYTES:
        raise FieldViolationError("prefix", f"it is longer than {MAX_PATH_BYTES} bytes")
    return prefix


def _globs(text: str) -> Sequence[Glob]:
    """Return the glob of a request; none when its field is empty.

    Raises:
        FieldViolationError: the text is no glob.
    """
    return (parse_glob(text, field="glob"),) if text else ()
