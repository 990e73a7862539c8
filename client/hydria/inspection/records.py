"""What is found out about whole versions. The values are frozen, and know no protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hydria.records import File


class DamageKind(StrEnum):
    """What is damaged at the server."""

    CHUNK = "chunk"
    RECIPE = "recipe"
    """The list of the chunks of a part of a file."""
    FILE = "file"
    """A file whose chunks are right, one by one, and do not add up to its digest."""
    MANIFEST = "manifest"
    """A part of the list of files."""
    VERSION = "version"
    """The list of files, which does not add up to the version's digest and totals."""
    OTHER = "other"
    """What only a newer client has a word for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that is damaged at the server."""

    kind: DamageKind
    path: str
    """The file; of a part of the manifest the first of its files; empty for a version."""
    last_path: str
    """Of a part of the manifest the last of its files; else empty."""
    digest: str
    """`blake3:<hex>`: what was not found to be true."""
    offset: int
    """Where in the file bytes are missing."""
    size_bytes: int
    """How many bytes of the file are missing there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What was checked, and what is not as it should be."""

    ref: str
    """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""
    root: Path | None
    """The directory that was compared with it; None for the stored bytes at the server."""
    file_count: int
    """Files checked."""
    size_bytes: int
    """Bytes of files read and, at the server, found right."""
    reference_count: int
    """References, which were not followed."""
    damage_count: int = 0
    damages: tuple[Damage, ...] = ()
    """What is damaged at the server: the first 100,000 things."""
    missing: tuple[str, ...] = ()
    """Files of the version that the directory lacks."""
    changed: tuple[str, ...] = ()
    """Files that have other content in the directory."""
    extra: tuple[str, ...] = ()
    """Files of the directory that the version lacks."""
    seconds: float

    @property
    def is_intact(self) -> bool:
        """Whether all is as it should be."""
        return not (self.damage_count or self.missing or self.changed or self.extra)

    @property
    def damaged_paths(self) -> tuple[str, ...]:
        """The files that are damaged at the server, as far as the list of files can be read."""
        kinds = (DamageKind.CHUNK, DamageKind.RECIPE, DamageKind.FILE)
        return tuple(dict.fromkeys(found.path for found in self.damages if found.kind in kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A path that both versions have, with different content."""

    file: File
    """In the version compared with."""
    previous: File
    """In the version started from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What became of one path: added without `previous`, removed without `file`, else changed."""

    file: File | None
    previous: File | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffTotals:
    """Counts and bytes of a comparison. Bytes are sizes of files, references among them."""

    added_count: int
    removed_count: int
    changed_count: int
    unchanged_count: int
    added_bytes: int
    removed_bytes: int
    changed_bytes: int
    """Of the changed files, in the version compared with."""
    unchanged_bytes: int
    shared_bytes: int
    """Of the version compared with: what the other one has too, below the file."""
    new_bytes: int
    """The rest of the stored files that were added or changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """What differs between two versions. Files come by path; with `take` there are totals only."""

    from_ref: str
    """The full ref of the version started from."""
    to_ref: str
    """The full ref of the version compared with."""
    added: tuple[File, ...]
    removed: tuple[File, ...]
    changed: tuple[ChangedFile, ...]
    totals: DiffTotals

    @property
    def is_empty(self) -> bool:
        """Whether both have the same content."""
        totals = self.totals
        return not (totals.added_count or totals.removed_count or totals.changed_count)
