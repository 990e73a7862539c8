"""The values that the library takes and returns. They are frozen, and know no protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import cast


class VersionState(StrEnum):
    """The life of a version."""

    COMMITTED = "COMMITTED"
    DELETED = "DELETED"


class Phase(StrEnum):
    """What a long operation is doing."""

    UPLOAD = "upload"
    COMMIT = "commit"
    LIST = "list"
    CHECK = "check"  # looking at what is in place already
    DOWNLOAD = "download"
    VERIFY = "verify"
    COMPARE = "compare"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a collection: content that never changes, and words about it that may."""

    ref: str
    """The full ref that names this version for ever, `ENTITY/PROJECT/COLLECTION:vN`."""
    entity: str
    project: str
    collection: str
    type: str
    version: str
    """`v0`, `v1`, ..."""
    digest: str
    """`blake3:<hex>`: covers paths, sizes and content, nothing else."""
    state: VersionState
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    description: str
    metadata_json: str
    """The metadata as it was given, to the letter of its numbers."""
    file_count: int
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    etag: str
    source_ref: str = ""
    """Of a link in a registry: the full ref of the version that it points to."""

    @property
    def metadata(self) -> Mapping[str, object]:
        """The metadata, parsed; `metadata_json` is more exact about numbers."""
        return cast("Mapping[str, object]", json.loads(self.metadata_json or "{}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named line of versions in a project, all of one type."""

    entity: str
    project: str
    name: str
    type: str
    description: str
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    """The aliases in use in it."""
    version_count: int
    latest_version: str
    """`vN`; empty when it has no live version."""
    created_at: datetime
    updated_at: datetime
    etag: str
    protected_aliases: tuple[str, ...] = ()
    """Aliases that only administrators may move: its own and its registry's."""
    is_registered_model: bool = False
    """Whether it is one of a registry, so that its versions are links."""

    @property
    def path(self) -> str:
        """`ENTITY/PROJECT/COLLECTION`, as refs begin."""
        return f"{self.entity}/{self.project}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A namespace of an entity."""

    entity: str
    name: str
    collection_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactType:
    """A type in use in a project."""

    name: str
    collection_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One entry of a version."""

    path: str
    size_bytes: int
    digest: str
    """`blake3:<hex>` of the content; empty for a reference."""
    ref_uri: str = ""
    """Where a reference points; empty for stored bytes."""
    ref_checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What lies right below a directory of a version. Directories are those that files are in."""

    files: tuple[File, ...]
    """By path."""
    directories: tuple[str, ...]
    """Names without slashes, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasOperation:
    """One change of an alias, for `update_aliases`.

    `version` is where it shall point (`vN`), or None to remove it. The change is made only if the
    alias points to `expected_version` now; the empty text means that it must not exist yet, and
    None that any place will do.
    """

    alias: str
    version: str | None
    expected_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """What became of an alias. Versions are `vN`, or empty for none."""

    alias: str
    version: str
    previous_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """The numbers to stay under. Sizes are in bytes."""

    max_chunk_bytes: int
    max_batch_bytes: int
    max_message_bytes: int
    max_unacked_bytes: int
    max_digests_per_request: int
    max_operations_per_stage: int
    max_put_version_bytes: int
    max_path_bytes: int
    max_metadata_bytes: int
    max_reads_per_download: int
    max_chunks_per_entry: int
    upload_lease_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkerParameters:
    """How files are cut (FastCDC-2020), so that equal parts are found. Sizes are in bytes."""

    min_bytes: int = 131_072
    average_bytes: int = 524_288
    max_bytes: int = 2_097_152
    normalization: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What a client must know of its server."""

    server_version: str
    store_id: str
    digest_function: str
    limits: ServerLimits
    chunker: ChunkerParameters
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long operation has come. Totals are None while they are not known yet."""

    phase: Phase
    files_done: int = 0
    files_total: int | None = None
    bytes_done: int = 0
    """Of the content: read and durable at the server, or in place and verified here."""
    bytes_total: int | None = None
    sent_bytes: int = 0
    received_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    """What a log or a commit did."""

    version: Version
    created: bool
    """False when a live version with the same content was found; it is `version`."""
    file_count: int
    size_bytes: int
    new_bytes: int
    """Bytes of content in chunks that the server did not have."""
    duplicate_bytes: int
    """The rest of `size_bytes`."""
    sent_bytes: int
    """Bytes of chunks that went over the wire, repetitions included."""
    seconds: float
    ignored_fields: tuple[str, ...] = ()
    """With `created` false: what the version keeps as it was (`description`, `metadata_json`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """What a copy of a version did."""

    version: Version
    created: bool
    """False when a live version with the same content was found; it is `version`."""
    ignored_fields: tuple[str, ...] = ()
    """With `created` false: what was given, and the version keeps as it was."""
    sent_bytes: int = 0
    """Bytes of chunks that passed through this client, which those of another entity do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadResult:
    """What a download put where."""

    ref: str
    """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""
    version: str
    root: Path
    file_count: int
    """Files now in place and verified, fetched or not."""
    size_bytes: int
    received_bytes: int
    """Bytes of content that had to be fetched."""
    seconds: float
    skipped_reference_count: int = 0
    """References that were left out, because the caller wanted none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said about a version when it is committed."""

    description: str = ""
    metadata_json: str = ""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    run_ref: str = ""
    """The run that logs the version; empty for none."""
