"""Versions, their tags and their manifest shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.records import (
    Domain,
    NewVersion,
    ShardRecord,
    VersionRecord,
    VersionState,
)
from hydria_server.storage.metadata.catalog_records import VERSION_RECORDS, version_in
from hydria_server.storage.metadata.dialect import batches
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import PUT_OFF
from hydria_server.storage.metadata.leaves import SqlLeaves
from hydria_server.storage.metadata.single_reads import first_in
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    DOMAIN,
    ENTITY,
    IS_COMMITTED,
    NAME,
    PROJECT,
    VERSION,
    VERSION_SHARD,
    VERSION_TAG,
)
from hydria_server.storage.metadata.version_look_ups import SqlVersionLookUps

# What an insert is given; the rest follows.
_GIVEN = (
    "collection_id", "number", "digest", "file_count", "size_bytes", "created_at_us",
    "updated_at_us", "upload_id", "metadata_bytes", "description", "metadata_json",
)  # fmt: skip
_IN_COLLECTION = VERSION.c.collection_id == bindparam("collection_id")

_BY_ID = VERSION_RECORDS.where(VERSION.c.id == bindparam("version_id"))
_BY_NUMBER = VERSION_RECORDS.where(_IN_COLLECTION, VERSION.c.number == bindparam("number"))
_BY_ALIAS = VERSION_RECORDS.join(ALIAS, ALIAS.c.version_id == VERSION.c.id).where(
    ALIAS.c.collection_id == bindparam("collection_id"), ALIAS.c.name == bindparam("alias")
)
_HIGHEST = (
    VERSION_RECORDS.where(_IN_COLLECTION, IS_COMMITTED).order_by(VERSION.c.number.desc()).limit(1)
)
_BY_DIGEST = _HIGHEST.where(VERSION.c.digest == bindparam("digest"))
# Files are the source's where a version is a link.
_CONTENT_ID = (
    select(func.coalesce(VERSION.c.source_version_id, VERSION.c.id))
    .where(VERSION.c.id == bindparam("version_id"))
    .scalar_subquery()
)
_SHARDS = (
    select(
        VERSION_SHARD.c.digest,
        VERSION_SHARD.c.size_bytes,
        VERSION_SHARD.c.entry_count,
        VERSION_SHARD.c.first_path,
        VERSION_SHARD.c.last_path,
    )
    .where(VERSION_SHARD.c.version_id == _CONTENT_ID)
    .order_by(VERSION_SHARD.c.position)
)
_SHARDS_BETWEEN = _SHARDS.where(VERSION_SHARD.c.last_path >= bindparam("first"))
_SHARDS_UNTIL = _SHARDS_BETWEEN.where(VERSION_SHARD.c.first_path <= bindparam("last"))
_DOMAIN = (
    select(DOMAIN.c.id, DOMAIN.c.key)
    .select_from(VERSION.join(PROJECT, PROJECT.c.id == VERSION.c.project_id))
    .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
    .join(DOMAIN, DOMAIN.c.id == func.coalesce(PROJECT.c.domain_id, ENTITY.c.domain_id))
    .where(VERSION.c.id == _CONTENT_ID)
)
_TAGS = select(VERSION_TAG.c.tag).where(VERSION_TAG.c.version_id == bindparam("version_id"))
_PROJECT_ID = select(COLLECTION.c.project_id).where(COLLECTION.c.id == bindparam("collection_id"))
_INSERT = (
    insert(VERSION)
    .values(
        project_id=_PROJECT_ID.scalar_subquery(),
        state=VersionState.COMMITTED.value,
        revision=1,
        **{column: bindparam(column) for column in _GIVEN},
    )
    .returning(VERSION.c.id)
)
# Links have the tags of their source, and its revision.
_WITH_LINKS = or_(
    VERSION.c.id == bindparam("version_id"),
    VERSION.c.source_version_id == bindparam("version_id"),
)
_ADD_TAG = (
    insert(VERSION_TAG)
    .from_select(
        ["version_id", "tag", "collection_id"],
        select(VERSION.c.id, bindparam("tag", type_=NAME), VERSION.c.collection_id).where(
            _WITH_LINKS
        ),
    )
    .execution_options(**PUT_OFF)
)
_DELETE_TAGS = delete(VERSION_TAG).where(
    VERSION_TAG.c.version_id.in_(select(VERSION.c.id).where(_WITH_LINKS))
)
_REVISE = (
    update(VERSION)
    .where(
        or_(
            VERSION.c.id == bindparam("of_version"),
            VERSION.c.source_version_id == bindparam("of_version"),
        )
    )
    .values(revision=VERSION.c.revision + 1, updated_at_us=bindparam("now_us"))
)
_ADD_SHARD = insert(VERSION_SHARD).execution_options(**PUT_OFF)
_COUNT = (
    update(COLLECTION)
    .where(COLLECTION.c.id == bindparam("of_collection"))
    .values(version_count=COLLECTION.c.version_count + bindparam("more"))
    .execution_options(**PUT_OFF)
)


class SqlVersions(SqlVersionLookUps):
    """Rows of versions, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(first_in(connection), connection.dialect)
        self._connection = connection
        self._leaves = SqlLeaves(connection)

    async def insert(self, version: NewVersion, shards: Sequence[ShardRecord]) -> VersionRecord:
        version_id = await self._insert(version)
        if shards:
            await self._connection.execute(
                _ADD_SHARD,
                [
                    {"version_id": version_id, "position": position, **asdict(shard)}
                    for position, shard in enumerate(shards)
                ],
            )
        await self._insert_tags(version_id, version.tags)
        await self._leaves.insert(version_id, version.metadata_json)
        await self.count(version.collection_id, 1)
        return await self.by_id(version_id)

    async def _insert(self, version: NewVersion) -> int:
        row = {
            "collection_id": version.collection_id,
            "number": version.number,
            "digest": version.digest,
            "file_count": version.file_count,
            "size_bytes": version.size_bytes,
            "created_at_us": version.created_at_us,
            "updated_at_us": version.created_at_us,
            "upload_id": version.upload_id,
            "metadata_bytes": len(version.metadata_json.encode()),
            "description": version.description,
            "metadata_json": version.metadata_json,
        }
        version_id: int = (await self._connection.execute(_INSERT, row)).scalar_one()
        return version_id

    async def count(self, collection_id: int, more: int) -> None:
        await self._connection.execute(_COUNT, {"of_collection": collection_id, "more": more})

    async def _insert_tags(self, version_id: int, tags: Iterable[str]) -> None:
        rows = [{"version_id": version_id, "tag": tag} for tag in dict.fromkeys(tags)]
        if rows:
            await self._connection.execute(_ADD_TAG, rows)

    async def by_id(self, version_id: int) -> VersionRecord:
        version = await self._first(_BY_ID, {"version_id": version_id})
        if version is None:
            raise NotFoundError(f"there is no version with the id {version_id}")
        return version

    async def by_number(self, collection_id: int, number: int) -> VersionRecord | None:
        return await self._first(_BY_NUMBER, {"collection_id": collection_id, "number": number})

    async def by_alias(self, collection_id: int, alias: str) -> VersionRecord | None:
        return await self._first(_BY_ALIAS, {"collection_id": collection_id, "alias": alias})

    async def by_digest(self, collection_id: int, digest: bytes) -> VersionRecord | None:
        return await self._first(_BY_DIGEST, {"collection_id": collection_id, "digest": digest})

    async def highest(self, collection_id: int) -> VersionRecord | None:
        return await self._first(_HIGHEST, {"collection_id": collection_id})

    async def _first(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Value]
    ) -> VersionRecord | None:
        rows = await fetch(self._connection, statement, values)
        return version_in(rows[0]) if rows else None

    async def update(
        self,
        version_id: int,
        *,
        description: str | None,
        metadata_json: str | None,
        tags: Sequence[str] | None,
        now_us: int,
    ) -> None:
        words: dict[str, Value] = {}
        if description is not None:
            words["description"] = description
        if metadata_json is not None:
            words["metadata_json"] = metadata_json
            words["metadata_bytes"] = len(metadata_json.encode())
            await self._leaves.replace(version_id, metadata_json)
        if tags is not None:
            await self._connection.execute(_DELETE_TAGS, {"version_id": version_id})
            await self._insert_tags(version_id, tags)
        await self._revise(version_id, words, now_us=now_us)

    async def add_tags(self, version_id: int, tags: Sequence[str], *, now_us: int) -> bool:
        there = await self._connection.execute(_TAGS, {"version_id": version_id})
        new = set(tags).difference(there.scalars())
        if new:
            await self._insert_tags(version_id, sorted(new))
            await self._revise(version_id, {}, now_us=now_us)
        return bool(new)

    async def _revise(self, version_id: int, words: Mapping[str, Value], *, now_us: int) -> None:
        if words:
            await self._connection.execute(
                update(VERSION).where(VERSION.c.id == version_id).values(**words)
            )
        await self._connection.execute(_REVISE, {"of_version": version_id, "now_us": now_us})

    async def mark_deleted(self, version_ids: Sequence[int], *, now_us: int) -> None:
        for ids in batches(version_ids):
            await self._mark_deleted(ids, now_us=now_us)

    async def _mark_deleted(self, ids: Sequence[int], *, now_us: int) -> None:
        deleted = await self._connection.execute(
            update(VERSION)
            .where(VERSION.c.id.in_(ids), IS_COMMITTED)
            .values(state=VersionState.DELETED.value, deleted_at_us=now_us)
            .returning(VERSION.c.collection_id)
        )
        for collection_id, count in Counter(deleted.scalars()).items():
            await self.count(collection_id, -count)

    async def live_ids(self, collection_id: int) -> list[int]:
        statement = select(VERSION.c.id).where(_IN_COLLECTION, IS_COMMITTED)
        found = await self._connection.execute(statement, {"collection_id": collection_id})
        return list(found.scalars())

    async def shards(self, version_id: int) -> list[ShardRecord]:
        return await self._shards(_SHARDS, {"version_id": version_id})

    async def shards_between(
        self, version_id: int, *, first: str, last: str | None
    ) -> list[ShardRecord]:
        values: dict[str, Value] = {"version_id": version_id, "first": first}
        if last is None:
            return await self._shards(_SHARDS_BETWEEN, values)
        return await self._shards(_SHARDS_UNTIL, {**values, "last": last})

    async def _shards(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Value]
    ) -> list[ShardRecord]:
        rows = await self._connection.execute(statement, values)
        return [ShardRecord(**row) for row in rows.mappings()]

    async def domain(self, version_id: int) -> Domain:
        row = (await self._connection.execute(_DOMAIN, {"version_id": version_id})).one()
        return Domain(row.id, row.key)
