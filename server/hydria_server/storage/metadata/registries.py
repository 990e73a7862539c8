"""Registries: projects that hold links, and what they have beside other projects."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, bindparam, delete, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import AlreadyExistsError, NotFoundError
from hydria_server.domain.filters import Page, Query
from hydria_server.domain.kinds import ProjectKind
from hydria_server.domain.registries import RegistryRecord
from hydria_server.storage.metadata.catalog_records import COLLECTION_COUNT
from hydria_server.storage.metadata.dialect import byte_length, gathered, gathered_where, insert
from hydria_server.storage.metadata.filtering import NamesField, NumberField, TextField
from hydria_server.storage.metadata.paging import Listing, Pager
from hydria_server.storage.metadata.protection_tables import PROTECTED_ALIAS, protects
from hydria_server.storage.metadata.registry_tables import (
    PROJECT_REDIRECT,
    REGISTRY,
    REGISTRY_TYPE,
)
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    ENTITY,
    IS_LIVE_COLLECTION,
    IS_LIVE_PROJECT,
    PROJECT,
)

REGISTRY_RECORDS = select(
    PROJECT.c.id,
    PROJECT.c.entity_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name,
    REGISTRY.c.description,
    gathered(REGISTRY_TYPE.c.type, where=REGISTRY_TYPE.c.project_id, equals=PROJECT.c.id).label(
        "types"
    ),
    REGISTRY.c.revision,
    PROJECT.c.created_at_us,
    REGISTRY.c.updated_at_us,
    COLLECTION_COUNT.label("collection_count"),
    gathered_where(PROTECTED_ALIAS.c.alias, protects(PROJECT.c.id)).label("protected_aliases"),
).select_from(
    PROJECT.join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id).join(
        REGISTRY, REGISTRY.c.project_id == PROJECT.c.id
    )
)
_BY_ID = REGISTRY_RECORDS.where(PROJECT.c.id == bindparam("of_project"))
_OF_PROJECT = COLLECTION.c.project_id == bindparam("of_project")
_TYPES_IN_USE = select(COLLECTION.c.type).distinct().where(_OF_PROJECT, IS_LIVE_COLLECTION)
_COLLECTION_IDS = select(COLLECTION.c.id).where(_OF_PROJECT, IS_LIVE_COLLECTION)


class SqlRegistries:
    """Rows of registries, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def by_id(self, project_id: int) -> RegistryRecord:
        found = await self._connection.execute(_BY_ID, {"of_project": project_id})
        row = found.mappings().first()
        if row is None:
            raise NotFoundError(f"there is no registry with the id {project_id}")
        return _registry_of(row)

    async def create(
        self, entity_id: int, name: str, *, description: str, types: Sequence[str], now_us: int
    ) -> int:
        project_id = await create_project(
            self._connection, entity_id, name, ProjectKind.REGISTRY, now_us=now_us
        )
        await self._connection.execute(
            plain_insert(REGISTRY).values(
                project_id=project_id, revision=1, updated_at_us=now_us, description=description
            )
        )
        await self._add_types(project_id, types)
        return project_id

    async def _add_types(self, project_id: int, types: Sequence[str]) -> None:
        rows = [{"project_id": project_id, "type": type_} for type_ in dict.fromkeys(types)]
        if rows:
            await self._connection.execute(plain_insert(REGISTRY_TYPE), rows)

    async def rename(self, project_id: int, name: str, *, now_us: int) -> None:
        old = await self._connection.execute(
            select(PROJECT.c.entity_id, PROJECT.c.name).where(PROJECT.c.id == project_id)
        )
        entity_id, old_name = old.one()
        if name == old_name:
            return
        await self._require_free(entity_id, name)
        await self._connection.execute(
            update(PROJECT).where(PROJECT.c.id == project_id).values(name=name)
        )
        await _end_redirect(self._connection, entity_id, name)
        await self._connection.execute(
            plain_insert(PROJECT_REDIRECT).values(
                entity_id=entity_id, name=old_name, project_id=project_id
            )
        )
        await self.update(project_id, description=None, types=None, now_us=now_us)

    async def _require_free(self, entity_id: int, name: str) -> None:
        taken = await self._connection.execute(
            select(PROJECT.c.id).where(
                PROJECT.c.entity_id == entity_id, PROJECT.c.name == name, IS_LIVE_PROJECT
            )
        )
        if taken.first():
            raise AlreadyExistsError(_TAKEN.format(name))

    async def update(
        self,
        project_id: int,
        *,
        description: str | None,
        types: Sequence[str] | None,
        now_us: int,
    ) -> None:
        if types is not None:
            await self._connection.execute(
                delete(REGISTRY_TYPE).where(REGISTRY_TYPE.c.project_id == project_id)
            )
            await self._add_types(project_id, types)
        words = {} if description is None else {"description": description}
        await self._connection.execute(
            update(REGISTRY)
            .where(REGISTRY.c.project_id == project_id)
            .values(revision=REGISTRY.c.revision + 1, updated_at_us=now_us, **words)
        )

    async def delete(self, project_id: int, *, now_us: int) -> None:
        await self._connection.execute(
            update(PROJECT)
            .where(PROJECT.c.id == project_id, IS_LIVE_PROJECT)
            .values(deleted_at_us=now_us)
        )
        await self._connection.execute(
            delete(PROJECT_REDIRECT).where(PROJECT_REDIRECT.c.project_id == project_id)
        )

    async def types_in_use(self, project_id: int) -> set[str]:
        found = await self._connection.execute(_TYPES_IN_USE, {"of_project": project_id})
        return set(found.scalars())

    async def collection_ids(self, project_id: int) -> list[int]:
        found = await self._connection.execute(_COLLECTION_IDS, {"of_project": project_id})
        return list(found.scalars())

    async def page(self, entity_id: int, query: Query) -> Page[RegistryRecord]:
        return await Pager(self._connection).page(_registries(entity_id), query)


_TAKEN = "there is a project or registry {!r} already"


async def create_project(
    connection: AsyncConnection, entity_id: int, name: str, kind: ProjectKind, *, now_us: int
) -> int:
    """Make the row that projects and registries have in common; return its id.

    Raises:
        AlreadyExistsError: the entity has one of that name.
    """
    statement = insert(connection.dialect.name, PROJECT).values(
        entity_id=entity_id, name=name, kind=kind.value, created_at_us=now_us
    )
    made = await connection.execute(statement.on_conflict_do_nothing().returning(PROJECT.c.id))
    project_id = made_id(made.scalar(), _TAKEN.format(name))
    await _end_redirect(connection, entity_id, name)
    return project_id


def made_id(row_id: int | None, problem: str) -> int:
    """Return the id of the row just made; without one, there was such a row before.

    Raises:
        AlreadyExistsError: there was.
    """
    if row_id is None:
        raise AlreadyExistsError(problem)
    return row_id


async def _end_redirect(connection: AsyncConnection, entity_id: int, name: str) -> None:
    await connection.execute(
        delete(PROJECT_REDIRECT).where(
            PROJECT_REDIRECT.c.entity_id == entity_id, PROJECT_REDIRECT.c.name == name
        )
    )


def _registries(entity_id: int) -> Listing[RegistryRecord]:
    within = select(PROJECT.c.id).where(PROJECT.c.entity_id == entity_id, IS_LIVE_PROJECT)
    restricted = select(REGISTRY_TYPE.c.project_id).where(REGISTRY_TYPE.c.project_id.in_(within))
    return Listing(
        rows=select(PROJECT.c.id)
        .select_from(PROJECT.join(REGISTRY, REGISTRY.c.project_id == PROJECT.c.id))
        .where(PROJECT.c.entity_id == entity_id, IS_LIVE_PROJECT),
        row_id=PROJECT.c.id,
        text_bytes=byte_length(REGISTRY.c.description),
        fields={
            "name": TextField(PROJECT.c.name),
            "type": NamesField(PROJECT.c.id, restricted, REGISTRY_TYPE.c.type),
            "created_at": NumberField(PROJECT.c.created_at_us),
            "updated_at": NumberField(REGISTRY.c.updated_at_us),
        },
        records=REGISTRY_RECORDS,
        record_of=_registry_of,
    )


def _registry_of(row: RowMapping) -> RegistryRecord:
    return RegistryRecord(**row)
