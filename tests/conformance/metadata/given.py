"""What the metadata contracts begin with: a transaction, and something in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hydria_server.domain.chunks import Location, StoredChunk
from hydria_server.domain.records import (
    EntityRecord,
    NewVersion,
    ShardRecord,
    StagedRun,
    UploadRecord,
    UploadState,
    VersionRecord,
)
from hydria_server.storage.metadata.interface import MetadataStore, Rows

Suite = TypeVar("Suite")

UPLOAD = "01JUPLOAD"
PACK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def in_one_write(
    test: Callable[[Suite, Rows], Awaitable[None]],
) -> Callable[[Suite, MetadataStore], Coroutine[Any, Any, None]]:
    """Run a test of rows inside one write transaction of the store under test."""

    async def run(self: Suite, store: MetadataStore) -> None:
        await store.write(lambda rows: test(self, rows))

    run.__name__ = test.__name__
    run.__qualname__ = test.__qualname__
    return run


@dataclass(frozen=True, slots=True)
class Line:
    """A collection, and what it is in."""

    entity: EntityRecord
    project_id: int
    collection_id: int


async def a_line(
    rows: Rows,
    entity: str = "acme",
    project: str = "vision",
    collection: str = "cats",
    *,
    type_: str = "dataset",
    now_us: int = 1_000,
) -> Line:
    """Return a new collection, in an entity and a project made if need be."""
    owner = await rows.names.ensure_entity(entity, now_us=now_us)
    found = await rows.names.project(entity, project)
    project_id = (
        found.id if found else await rows.names.create_project(owner.id, project, now_us=now_us)
    )
    made = await rows.names.create_collection(project_id, collection, type_, now_us=now_us)
    return Line(owner, project_id, made)


async def a_version(
    rows: Rows,
    collection_id: int,
    *,
    digest: bytes | None = None,
    tags: Sequence[str] = (),
    description: str = "",
    metadata_json: str = "{}",
    shards: Sequence[ShardRecord] = (),
    size_bytes: int = 10,
    file_count: int = 1,
    created_at_us: int = 2_000,
) -> VersionRecord:
    """Return a new version, whose digest is made of its number unless one is given."""
    number = await rows.names.take_version_number(collection_id)
    new = NewVersion(
        collection_id=collection_id,
        number=number,
        digest=digest or a_digest(number),
        file_count=file_count,
        size_bytes=size_bytes,
        description=description,
        metadata_json=metadata_json,
        tags=tuple(tags),
        upload_id=UPLOAD,
        created_at_us=created_at_us,
    )
    return await rows.versions.insert(new, shards)


def a_digest(number: int) -> bytes:
    """Return a digest that differs from that of every other number."""
    return number.to_bytes(32, "big")


def a_shard(number: int, first_path: str, last_path: str) -> ShardRecord:
    """Return a shard of two entries."""
    return ShardRecord(a_digest(number), 100, 2, first_path, last_path)


def a_chunk(number: int, *, pack_id: str = PACK, offset: int | None = None) -> StoredChunk:
    """Return a chunk with a place of its own."""
    at = number * 4096 if offset is None else offset
    return StoredChunk(a_digest(number), 4000, Location(pack_id, at, 4000))


def an_upload(
    entity: EntityRecord, upload_id: str = UPLOAD, *, request_id: str = ""
) -> UploadRecord:
    """Return an upload as it begins; its lease ends at 5,000 us."""
    return UploadRecord(
        upload_id=upload_id,
        entity_id=entity.id,
        entity=entity.name,
        domain=entity.domain,
        project="vision",
        collection="cats",
        type="dataset",
        state=UploadState.OPEN,
        base_version_id=None,
        start_epoch=7,
        created_at_us=1_000,
        expires_at_us=5_000,
        request_id=request_id,
        request_hash=b"hash of the request",
    )


def a_run(writer_id: str = "", seq: int | None = 1, part: int = 0) -> StagedRun:
    """Return a run of three operations."""
    return StagedRun(
        writer_id=writer_id,
        seq=seq,
        part=part,
        digest=a_digest(part),
        size_bytes=300,
        operation_count=3,
        first_path="a",
        last_path="z",
        resolved=False,
    )


def without_ids(runs: Sequence[StagedRun]) -> list[StagedRun]:
    """Return the runs as they were before they were stored."""
    return [replace(run, id=0) for run in runs]
