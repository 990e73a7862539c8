"""Entries that are taken over from other versions: the same chunks, and no bytes on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydria_server.domain.entry_errors import CrossDomainError
from hydria_server.domain.manifest import FileEntry
from hydria_server.domain.paths import require_path
from hydria_server.domain.records import UploadRecord, VersionRecord
from hydria_server.domain.refs import parse_ref
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.resolving import resolve
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class EntryCopy:
    """An entry to be, equal to the one that a version has under `source_path`."""

    path: str
    source_ref: str
    source_path: str


class EntryCopies:
    """Finds what is to be copied, within the domain of the upload."""

    def __init__(self, manifests: ManifestReader, metadata: MetadataStore) -> None:
        self._manifests = manifests
        self._metadata = metadata

    async def entries(self, upload: UploadRecord, copies: Sequence[EntryCopy]) -> list[FileEntry]:
        """Return the entries, under their new paths. Their chunks are not pinned yet.

        Raises:
            PathInvalidError, FieldViolationError, NameInvalidError: a copy is malformed.
            CrossDomainError: a source is not of the upload's domain.
            NotFoundError, AliasNotFoundError, VersionDeletedError: there is no such source.
            FileNotFoundInVersionError: a source has no such path.
            ChunkCorruptError: the manifest of a source is damaged.
        """
        by_ref: dict[str, list[EntryCopy]] = {}
        for copy in copies:
            require_path(copy.path, field="path")
            require_path(copy.source_path, field="source_path")
            by_ref.setdefault(copy.source_ref, []).append(copy)
        entries: list[FileEntry] = []
        for ref, wanted in by_ref.items():
            version = await self._source(upload, ref)
            found = await self._manifests.files(version, [copy.source_path for copy in wanted])
            entries += [replace(found[copy.source_path], path=copy.path) for copy in wanted]
        return entries

    async def _source(self, upload: UploadRecord, ref: str) -> VersionRecord:
        # I10: before it is looked up, so that the answer tells nothing of the other entity.
        if parse_ref(ref, field="source_ref").name.entity != upload.entity:
            raise _cross_domain()

        async def look(rows: Rows) -> VersionRecord:
            version = await resolve(rows, ref, field="source_ref")
            if await rows.versions.domain(version.id) != upload.domain:
                raise _cross_domain()
            return version

        return await self._metadata.read(look)


def _cross_domain() -> CrossDomainError:
    return CrossDomainError(
        "source_ref belongs to another entity, with which nothing is shared; download it from"
        " there and upload it here",
        details={"field": "source_ref"},
    )
