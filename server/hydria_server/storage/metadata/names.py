"""Entities, projects, collections, and the redirects that renames leave behind."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import AlreadyExistsError, NotFoundError
from hydria_server.domain.kinds import CollectionKind, ProjectKind
from hydria_server.domain.names import MODEL_REGISTRY
from hydria_server.domain.records import (
    CollectionRecord,
    Domain,
    EntityRecord,
    ProjectRecord,
)
from hydria_server.storage.metadata.catalog_records import (
    COLLECTION_RECORDS,
    PROJECT_RECORDS,
    collection_in,
    project_of,
)
from hydria_server.storage.metadata.dialect import insert
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.registries import SqlRegistries, create_project, made_id
from hydria_server.storage.metadata.registry_tables import PROJECT_REDIRECT
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    COLLECTION_REDIRECT,
    COLLECTION_TAG,
    DOMAIN,
    ENTITY,
    IS_LIVE_COLLECTION,
    IS_LIVE_PROJECT,
    PROJECT,
)

_ENTITY = (
    select(ENTITY.c.id, ENTITY.c.name, DOMAIN.c.id.label("domain_id"), DOMAIN.c.key)
    .join(DOMAIN, DOMAIN.c.id == ENTITY.c.domain_id)
    .where(ENTITY.c.name == bindparam("entity"))
)
_IN_ENTITY = PROJECT_RECORDS.where(ENTITY.c.name == bindparam("entity"), IS_LIVE_PROJECT)
_PROJECT = _IN_ENTITY.where(PROJECT.c.name == bindparam("project"))
_REDIRECTED_PROJECT = _IN_ENTITY.join(
    PROJECT_REDIRECT, PROJECT_REDIRECT.c.project_id == PROJECT.c.id
).where(
    PROJECT_REDIRECT.c.entity_id == ENTITY.c.id,
    PROJECT_REDIRECT.c.name == bindparam("project"),
)
_COLLECTION_BY_ID = COLLECTION_RECORDS.where(COLLECTION.c.id == bindparam("collection_id"))
_LIVE_IN_PROJECT = COLLECTION_RECORDS.where(
    ENTITY.c.name == bindparam("entity"),
    PROJECT.c.name == bindparam("project"),
    IS_LIVE_PROJECT,
    IS_LIVE_COLLECTION,
)
_COLLECTION = _LIVE_IN_PROJECT.where(COLLECTION.c.name == bindparam("collection"))
_REDIRECTED = _LIVE_IN_PROJECT.join(
    COLLECTION_REDIRECT, COLLECTION_REDIRECT.c.collection_id == COLLECTION.c.id
).where(
    COLLECTION_REDIRECT.c.project_id == PROJECT.c.id,
    COLLECTION_REDIRECT.c.name == bindparam("collection"),
)
_TAKE_NUMBER = (
    update(COLLECTION)
    .where(COLLECTION.c.id == bindparam("of_collection"))
    .values(next_version=COLLECTION.c.next_version + 1)
    .returning(COLLECTION.c.next_version - 1)
)


class SqlNames:
    """Rows of names, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def ensure_entity(self, name: str, *, now_us: int) -> EntityRecord:
        found = await self.entity(name)
        if found is not None:
            return found
        domain = await self._connection.execute(
            plain_insert(DOMAIN).values(key=uuid.uuid4().bytes).returning(DOMAIN.c.id)
        )
        await self._connection.execute(
            plain_insert(ENTITY).values(
                name=name,
                domain_id=domain.scalar_one(),
                last_event_seq=0,
                last_event_time_us=0,
                created_at_us=now_us,
            )
        )
        made = await self.entity(name)
        assert made is not None
        await SqlRegistries(self._connection).create(
            made.id, MODEL_REGISTRY, description="", types=(), now_us=now_us
        )
        return made

    async def entity(self, name: str) -> EntityRecord | None:
        for id_, own_name, *domain in await fetch(self._connection, _ENTITY, {"entity": name}):
            return EntityRecord(id_, own_name, Domain(*domain))
        return None

    async def project(self, entity: str, name: str) -> ProjectRecord | None:
        for statement in (_PROJECT, _REDIRECTED_PROJECT):
            found = await self._connection.execute(statement, {"entity": entity, "project": name})
            row = found.mappings().first()
            if row:
                return project_of(row)
        return None

    async def create_project(self, entity_id: int, name: str, *, now_us: int) -> int:
        return await create_project(
            self._connection, entity_id, name, ProjectKind.PROJECT, now_us=now_us
        )

    async def collection(
        self, entity: str, project: str, name: str, *, follow: bool = True
    ) -> CollectionRecord | None:
        names = {"entity": entity, "project": project, "collection": name}
        found = await self._collection(_COLLECTION, names)
        if found is None and follow:
            return await self._redirected(names)
        return found

    async def _redirected(self, names: Mapping[str, str]) -> CollectionRecord | None:
        """Return the collection that had this name, or whose registry had."""
        found = await self._collection(_REDIRECTED, names)
        if found is not None:
            return found
        project = await self.project(names["entity"], names["project"])
        if project is None or project.name == names["project"]:
            return None
        return await self.collection(names["entity"], project.name, names["collection"])

    async def collection_by_id(self, collection_id: int) -> CollectionRecord:
        found = await self._collection(_COLLECTION_BY_ID, {"collection_id": collection_id})
        if found is None:
            raise NotFoundError(f"there is no collection with the id {collection_id}")
        return found

    async def _collection(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Value]
    ) -> CollectionRecord | None:
        rows = await fetch(self._connection, statement, values)
        return collection_in(rows[0]) if rows else None

    async def create_collection(
        self,
        project_id: int,
        name: str,
        type_: str,
        *,
        now_us: int,
        kind: CollectionKind = CollectionKind.SEQUENCE,
    ) -> int:
        statement = insert(self._connection.dialect.name, COLLECTION).values(
            project_id=project_id,
            name=name,
            type=type_,
            kind=kind.value,
            next_version=0,
            version_count=0,
            revision=1,
            created_at_us=now_us,
            updated_at_us=now_us,
            description="",
        )
        made = await self._connection.execute(
            statement.on_conflict_do_nothing().returning(COLLECTION.c.id)
        )
        collection_id = made_id(made.scalar(), f"there is a collection {name!r} already")
        await self._end_redirect(project_id, name)
        return collection_id

    async def rename_collection(self, collection_id: int, name: str, *, now_us: int) -> None:
        old = await self._connection.execute(
            select(COLLECTION.c.project_id, COLLECTION.c.name).where(
                COLLECTION.c.id == collection_id
            )
        )
        project_id, old_name = old.one()
        if name != old_name:
            await self._require_free(project_id, name)
        await self._revise(collection_id, {"name": name}, now_us=now_us)
        await self._end_redirect(project_id, name)
        if name != old_name:
            await self._connection.execute(
                plain_insert(COLLECTION_REDIRECT).values(
                    project_id=project_id, name=old_name, collection_id=collection_id
                )
            )

    async def retype_collection(self, collection_id: int, type_: str, *, now_us: int) -> None:
        await self._revise(collection_id, {"type": type_}, now_us=now_us)

    async def _require_free(self, project_id: int, name: str) -> None:
        taken = await self._connection.execute(
            select(COLLECTION.c.id).where(
                COLLECTION.c.project_id == project_id, COLLECTION.c.name == name, IS_LIVE_COLLECTION
            )
        )
        if taken.first():
            raise AlreadyExistsError(f"there is a collection {name!r} already")

    async def _end_redirect(self, project_id: int, name: str) -> None:
        await self._connection.execute(
            delete(COLLECTION_REDIRECT).where(
                COLLECTION_REDIRECT.c.project_id == project_id, COLLECTION_REDIRECT.c.name == name
            )
        )

    async def update_collection(
        self,
        collection_id: int,
        *,
        description: str | None,
        tags: Sequence[str] | None,
        now_us: int,
    ) -> None:
        if tags is not None:
            await self._connection.execute(
                delete(COLLECTION_TAG).where(COLLECTION_TAG.c.collection_id == collection_id)
            )
            rows = [{"collection_id": collection_id, "tag": tag} for tag in dict.fromkeys(tags)]
            if rows:
                await self._connection.execute(plain_insert(COLLECTION_TAG), rows)
        words = {} if description is None else {"description": description}
        await self._revise(collection_id, words, now_us=now_us)

    async def _revise(self, collection_id: int, words: Mapping[str, str], *, now_us: int) -> None:
        await self._connection.execute(
            update(COLLECTION)
            .where(COLLECTION.c.id == collection_id)
            .values(revision=COLLECTION.c.revision + 1, updated_at_us=now_us, **words)
        )

    async def delete_collection(self, collection_id: int, *, now_us: int) -> None:
        await self._connection.execute(
            update(COLLECTION)
            .where(COLLECTION.c.id == collection_id, IS_LIVE_COLLECTION)
            .values(deleted_at_us=now_us)
        )
        await self._connection.execute(
            delete(COLLECTION_REDIRECT).where(COLLECTION_REDIRECT.c.collection_id == collection_id)
        )

    async def take_version_number(self, collection_id: int) -> int:
        taken = await self._connection.execute(_TAKE_NUMBER, {"of_collection": collection_id})
        number: int = taken.scalar_one()
        return number
