"""All services of artifacts, wired to one pack store and one metadata store."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.records import StoreInfo
from hydria_server.services.alias_history import AliasHistory
from hydria_server.services.aliases import Aliases
from hydria_server.services.budget import ByteBudget
from hydria_server.services.capacity import Capacity
from hydria_server.services.chunk_audit import ChunkAudit
from hydria_server.services.chunk_lists import ChunkLists
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.chunk_uploads import ChunkUploads
from hydria_server.services.collections import Collections
from hydria_server.services.commit import Commits
from hydria_server.services.comparisons import Comparisons
from hydria_server.services.copies import Copies
from hydria_server.services.downloads import Downloads
from hydria_server.services.entry_copies import EntryCopies
from hydria_server.services.file_drafts import FileDrafts
from hydria_server.services.file_uploads import FileUploads
from hydria_server.services.file_verification import FileVerification
from hydria_server.services.files import Files
from hydria_server.services.hashing import Hashing
from hydria_server.services.ingest import ChunkIngest
from hydria_server.services.listings import Listings
from hydria_server.services.manifest_builder import ManifestBuilder
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.presence import Presence
from hydria_server.services.recipes import Recipes
from hydria_server.services.resolution import Resolution
from hydria_server.services.reuse import Reuse
from hydria_server.services.sessions import Clock, UploadSessions
from hydria_server.services.small_versions import SmallVersions
from hydria_server.services.staging import Staging
from hydria_server.services.version_verification import VersionVerification
from hydria_server.services.versions import Versions
from hydria_server.storage.metadata.interface import MetadataStore
from hydria_server.storage.packs.interface import PackStore


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may choose. Sizes are in bytes."""

    upload_lease_seconds: int = 24 * 3600
    open_uploads_max: int = 1000  # per entity
    byte_budget: int = 64 * 1024 * 1024
    reserve_bytes: int = 256 * 1024 * 1024
    stall_timeout_seconds: float = 120.0
    watches_max: int = 5000
    event_retention_seconds: int = 0  # 0: for ever
    webhook_retention_seconds: int = 0  # of events that a webhook has yet to deliver; likewise
    deployment_retention_seconds: int = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Threads:
    """Who hashes and who merges: a long merge must not hold up the hashing of chunks."""

    hashing: Hashing
    merging: Hashing


@dataclass(frozen=True, slots=True)
class Stores:
    """Where bytes and rows are kept, and what the store says of itself."""

    packs: PackStore
    metadata: MetadataStore
    info: StoreInfo


class ArtifactServices:
    """What the wire calls. `ingest.run()` must run for writes to be served."""

    def __init__(self, stores: Stores, clock: Clock, limits: Limits, threads: Threads) -> None:
        """Wire everything."""
        packs, metadata, hashing = stores.packs, stores.metadata, threads.hashing
        reader = ChunkReader(packs, metadata)
        capacity = Capacity(packs, reserve_bytes=limits.reserve_bytes)
        self.store, self.limits = stores.info, limits
        # One for each way, so that clients who read slowly do not hold up those who write, nor
        # those who send a file slowly, byte by byte, those who send whole chunks.
        self.budget, self.file_budget, self.read_budget = (
            ByteBudget(limits.byte_budget) for _ in range(3)
        )
        self.sessions = sessions = UploadSessions(
            metadata,
            capacity,
            clock,
            lease_seconds=limits.upload_lease_seconds,
            open_uploads_max=limits.open_uploads_max,
        )
        self.ingest = ingest = ChunkIngest(packs, metadata)
        self.presence = Presence(metadata)
        recipes, manifests = Recipes(reader, ingest), ManifestReader(reader, metadata)
        verified = FileVerification(reader, metadata, hashing)
        resolution = Resolution(self.presence, recipes, verified)
        drafts, copies = FileDrafts(reader, recipes), EntryCopies(manifests, metadata)
        builder = ManifestBuilder(reader, ingest, self.presence, metadata, threads.merging)
        self.chunk_uploads = ChunkUploads(ingest, hashing)
        self.staging = staging = Staging(sessions, drafts, copies, resolution, ingest, metadata)
        self.file_uploads = FileUploads(
            sessions, staging, ingest, recipes, verified, hashing, self.file_budget
        )
        self.commits = Commits(sessions, reader, resolution, builder, metadata, clock)
        self.small_versions = SmallVersions(
            sessions, capacity, packs, metadata, clock, hashing, self.budget
        )
        self.copies = Copies(sessions, metadata, clock)
        self._wire_rows(metadata, clock)
        self._wire_reading(manifests, recipes, reader)
        self._wire_inspection(manifests, recipes, reader, threads)

    def _wire_rows(self, metadata: MetadataStore, clock: Clock) -> None:
        """Wire what needs rows only, and no bytes."""
        self.versions, self.aliases = Versions(metadata, clock), Aliases(metadata, clock)
        self.alias_history = AliasHistory(metadata, clock)
        self.collections = Collections(metadata, clock)
        self.listings = Listings(metadata)
        self.reuse = Reuse(metadata, clock)

    def _wire_reading(
        self, manifests: ManifestReader, recipes: Recipes, reader: ChunkReader
    ) -> None:
        """Wire what reads committed versions."""
        self.files = Files(self.versions, manifests)
        self.downloads = Downloads(self.versions, manifests, recipes, reader, self.read_budget)
        self.chunk_lists = ChunkLists(self.versions, manifests, recipes)

    def _wire_inspection(
        self, manifests: ManifestReader, recipes: Recipes, reader: ChunkReader, threads: Threads
    ) -> None:
        """Wire what looks at whole versions."""
        audit = ChunkAudit(reader, threads.hashing)
        self.verification = VersionVerification(
            self.versions, manifests, audit, threads.hashing, self.read_budget
        )
        self.comparisons = Comparisons(self.versions, manifests, recipes, threads.merging)
