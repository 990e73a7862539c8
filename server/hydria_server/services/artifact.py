"""All services of artifacts, wired to one pack store and one metadata store."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.records import StoreInfo
from hydria_server.services.aliases import Aliases
from hydria_server.services.budget import ByteBudget
from hydria_server.services.capacity import Capacity
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.services.chunk_uploads import ChunkUploads
from hydria_server.services.collections import Collections
from hydria_server.services.commit import Commits
from hydria_server.services.downloads import Downloads
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
from hydria_server.services.sessions import Clock, UploadSessions
from hydria_server.services.small_versions import SmallVersions
from hydria_server.services.staging import Staging
from hydria_server.services.versions import Versions
from hydria_server.storage.metadata.interface import MetadataStore
from hydria_server.storage.packs.interface import PackStore


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may choose. Sizes are in bytes."""

    upload_lease_seconds: int = 24 * 3600
    open_uploads_max: int = 1000  # per entity
    byte_budget: int = 96 * 1024 * 1024
    reserve_bytes: int = 256 * 1024 * 1024
    stall_timeout_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class ArtifactServices:
    """What the wire calls."""

    store: StoreInfo
    limits: Limits
    budget: ByteBudget
    sessions: UploadSessions
    presence: Presence
    ingest: ChunkIngest
    chunk_uploads: ChunkUploads
    file_uploads: FileUploads
    staging: Staging
    commits: Commits
    small_versions: SmallVersions
    versions: Versions
    collections: Collections
    aliases: Aliases
    listings: Listings
    files: Files
    downloads: Downloads


@dataclass(frozen=True, slots=True)
class Threads:
    """Who hashes and who merges: a long merge must not hold up the hashing of chunks."""

    hashing: Hashing
    merging: Hashing


def build_services(
    packs: PackStore,
    metadata: MetadataStore,
    store: StoreInfo,
    clock: Clock,
    limits: Limits,
    threads: Threads,
) -> ArtifactServices:
    """Wire everything. `ingest.run()` must run for writes to be served."""
    reader = ChunkReader(packs, metadata)
    ingest = ChunkIngest(packs, metadata)
    budget = ByteBudget(limits.byte_budget)
    recipes = Recipes(reader, ingest)
    presence = Presence(metadata)
    verification = FileVerification(reader, metadata, threads.hashing)
    resolution = Resolution(presence, recipes, verification)
    sessions = UploadSessions(
        metadata,
        Capacity(packs, reserve_bytes=limits.reserve_bytes),
        clock,
        lease_seconds=limits.upload_lease_seconds,
        open_uploads_max=limits.open_uploads_max,
    )
    staging = Staging(sessions, FileDrafts(reader, recipes), resolution, ingest, metadata)
    builder = ManifestBuilder(reader, ingest, metadata, threads.merging)
    commits = Commits(sessions, reader, resolution, builder, metadata, clock)
    versions = Versions(metadata, clock)
    manifests = ManifestReader(reader, metadata)
    return ArtifactServices(
        store=store,
        limits=limits,
        budget=budget,
        sessions=sessions,
        presence=presence,
        ingest=ingest,
        chunk_uploads=ChunkUploads(ingest, threads.hashing),
        file_uploads=FileUploads(
            sessions, staging, ingest, recipes, verification, threads.hashing, budget
        ),
        staging=staging,
        commits=commits,
        small_versions=SmallVersions(sessions, ingest, staging, commits, threads.hashing),
        versions=versions,
        collections=Collections(metadata, clock),
        aliases=Aliases(metadata, clock),
        listings=Listings(metadata),
        files=Files(versions, manifests),
        downloads=Downloads(versions, manifests, recipes, reader),
    )
