"""The things that Hydria keeps rows about, as immutable values. Times are microseconds UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.kinds import CollectionKind, ProjectKind
from hydria_server.domain.links import SourceRecord

LATEST = "latest"


class UploadState(IntEnum):
    """The life of an upload; only OPEN may make references (I5)."""

    OPEN = 1
    COMMITTED = 2
    ABORTED = 3
    EXPIRED = 4


class VersionState(IntEnum):
    """The life of a version. Before its commit there is an upload, and no version."""

    COMMITTED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The store itself. `epoch` counts garbage collections."""

    store_id: str
    epoch: int
    digest_function: int


@dataclass(frozen=True, slots=True)
class Domain:
    """What deduplication and presence are confined to."""

    id: int
    key: bytes  # 16 bytes, written into every pack record


@dataclass(frozen=True, slots=True)
class EntityRecord:
    """A team or user."""

    id: int
    name: str
    domain: Domain


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A namespace of an entity: a project or a registry."""

    id: int
    entity_id: int
    entity: str
    name: str
    created_at_us: int
    collection_count: int = 0
    kind: ProjectKind = ProjectKind.PROJECT


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A named line of versions, or of links to them, with one type."""

    id: int
    project_id: int
    entity_id: int
    entity: str
    project: str
    name: str
    type: str
    description: str
    tags: tuple[str, ...]
    revision: int  # grows with every change; the etag
    created_at_us: int
    updated_at_us: int
    version_count: int = 0
    latest_version: int | None = None
    aliases: tuple[str, ...] = ()
    kind: CollectionKind = CollectionKind.SEQUENCE
    protected_aliases: tuple[str, ...] = ()  # its own and its registry's


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """A type in use in a project."""

    name: str
    collection_count: int
    created_at_us: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version, or a link to one. Content never changes; words, tags and aliases may.

    A link has the content, words and tags of its source; its aliases are its own.
    """

    id: int
    collection_id: int
    entity_id: int
    project_id: int
    entity: str
    project: str
    collection: str
    type: str
    number: int
    digest: bytes
    state: VersionState
    file_count: int
    size_bytes: int
    description: str
    metadata_json: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    revision: int  # grows with every change of words or tags; the etag
    created_at_us: int
    updated_at_us: int
    source: SourceRecord | None = None  # of a link

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.number}"

    @property
    def content_id(self) -> int:
        """The id of the version that has the content: its own, or that of the source."""
        return self.source.id if self.source else self.id


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version about to be inserted."""

    collection_id: int
    number: int
    digest: bytes
    file_count: int
    size_bytes: int
    description: str
    metadata_json: str
    tags: tuple[str, ...]
    upload_id: str
    created_at_us: int


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One shard of a version's manifest: a chunk that holds entries `first_path`..`last_path`."""

    digest: bytes
    size_bytes: int
    entry_count: int
    first_path: str
    last_path: str


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What a commit answered, kept so that the same request gets the same answer."""

    version_id: int
    created: bool
    ignored_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An open session that will become a version, or one that ended."""

    upload_id: str
    entity_id: int
    entity: str
    domain: Domain
    project: str
    collection: str
    type: str
    state: UploadState
    base_version_id: int | None
    start_epoch: int
    created_at_us: int
    expires_at_us: int
    request_id: str
    request_hash: bytes
    commit_hash: bytes = b""
    commit_result: CommitResult | None = None


@dataclass(frozen=True, slots=True)
class StagedRun:
    """One sorted run of staged operations, kept as a chunk. A large batch makes several parts."""

    writer_id: str
    seq: int | None  # None: staged by UploadFile
    part: int
    digest: bytes
    size_bytes: int
    operation_count: int
    first_path: str  # of its puts; empty when it has none
    last_path: str
    resolved: bool  # every chunk was LIVE and touched, every file's digest verified
    id: int = 0  # grows in the order of staging; 0 before it is stored


@dataclass(frozen=True, slots=True)
class WriterProgress:
    """How far one writer of an upload has staged."""

    writer_id: str
    staged_through_seq: int
    operation_count: int
    finished: bool = False  # the last batch it staged has no operations


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event about to be written: ids, and names as they were then in `data`."""

    type: EventType
    project_id: int | None = None
    collection_id: int | None = None
    version_id: int | None = None
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One entry of an entity's ordered history."""

    seq: int
    time_us: int
    type: EventType
    actor: str
    project_id: int | None
    collection_id: int | None
    version_id: int | None
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """What an alias points to: a version, and its number."""

    version_id: int
    number: int


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One alias going from one version to another; None stands for not being set."""

    collection_id: int
    alias: str
    from_version_id: int | None
    to_version_id: int | None


@dataclass(frozen=True, slots=True)
class AliasInterval:
    """An alias pointed to a version from one moment until another (None: it still does)."""

    collection_id: int
    alias: str
    version_id: int
    from_time_us: int
    to_time_us: int | None
    actor: str
