"""What is read of projects, collections and versions, and how a row of it becomes a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, func, literal, select

from hydria_server.domain.kinds import CollectionKind, ProjectKind
from hydria_server.domain.links import SourceRecord
from hydria_server.domain.records import (
    LATEST,
    CollectionRecord,
    ProjectRecord,
    VersionRecord,
    VersionState,
)
from hydria_server.storage.metadata.dialect import gathered, gathered_where, names_in
from hydria_server.storage.metadata.protection_tables import PROTECTED_ALIAS, protects
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    COLLECTION_TAG,
    ENTITY,
    IS_LIVE_COLLECTION,
    PROJECT,
    VERSION,
    VERSION_TAG,
)

COLLECTION_COUNT = (
    select(func.count())
    .select_from(COLLECTION)
    .where(COLLECTION.c.project_id == PROJECT.c.id, IS_LIVE_COLLECTION)
    .scalar_subquery()
)
PROJECT_RECORDS = select(
    PROJECT.c.id,
    PROJECT.c.entity_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name,
    PROJECT.c.created_at_us,
    COLLECTION_COUNT.label("collection_count"),
    PROJECT.c.kind,
).select_from(PROJECT.join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id))
_LATEST_VERSION = (
    select(VERSION.c.number)
    .join(ALIAS, ALIAS.c.version_id == VERSION.c.id)
    .where(ALIAS.c.collection_id == COLLECTION.c.id, ALIAS.c.name == literal(LATEST))
    .correlate(COLLECTION)
    .scalar_subquery()
)
COLLECTION_RECORDS = select(
    COLLECTION.c.id,
    COLLECTION.c.project_id,
    PROJECT.c.entity_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    COLLECTION.c.name,
    COLLECTION.c.type,
    COLLECTION.c.description,
    gathered(
        COLLECTION_TAG.c.tag, where=COLLECTION_TAG.c.collection_id, equals=COLLECTION.c.id
    ).label("tags"),
    COLLECTION.c.revision,
    COLLECTION.c.created_at_us,
    COLLECTION.c.updated_at_us,
    COLLECTION.c.version_count,
    _LATEST_VERSION.label("latest_version"),
    gathered(ALIAS.c.name, where=ALIAS.c.collection_id, equals=COLLECTION.c.id).label("aliases"),
    COLLECTION.c.kind,
    gathered_where(
        PROTECTED_ALIAS.c.alias, protects(COLLECTION.c.project_id, COLLECTION.c.id)
    ).label("protected_aliases"),
).select_from(
    COLLECTION.join(PROJECT, PROJECT.c.id == COLLECTION.c.project_id).join(
        ENTITY, ENTITY.c.id == PROJECT.c.entity_id
    )
)
_COLLECTION_COLUMNS = tuple(COLLECTION_RECORDS.selected_columns.keys())
# What a link points to; without a link nothing is looked for.
_SOURCE = VERSION.alias("source")
_SOURCE_COLLECTION = COLLECTION.alias("source_collection")
_SOURCE_PROJECT = PROJECT.alias("source_project")
_SOURCE_ENTITY = ENTITY.alias("source_entity")
_SOURCE_NAMES = ("source_entity", "source_project", "source_collection", "source_number")
# The words that a version has: its own, or its source's.
VERSION_RECORDS = select(
    VERSION.c.id,
    VERSION.c.collection_id,
    PROJECT.c.entity_id,
    VERSION.c.project_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    COLLECTION.c.name.label("collection"),
    COLLECTION.c.type,
    VERSION.c.number,
    VERSION.c.digest,
    VERSION.c.state,
    VERSION.c.file_count,
    VERSION.c.size_bytes,
    func.coalesce(_SOURCE.c.description, VERSION.c.description).label("description"),
    func.coalesce(_SOURCE.c.metadata_json, VERSION.c.metadata_json).label("metadata_json"),
    gathered(ALIAS.c.name, where=ALIAS.c.version_id, equals=VERSION.c.id).label("aliases"),
    gathered(VERSION_TAG.c.tag, where=VERSION_TAG.c.version_id, equals=VERSION.c.id).label("tags"),
    VERSION.c.revision,
    VERSION.c.created_at_us,
    VERSION.c.updated_at_us,
    VERSION.c.source_version_id,
    _SOURCE_ENTITY.c.name.label("source_entity"),
    _SOURCE_PROJECT.c.name.label("source_project"),
    _SOURCE_COLLECTION.c.name.label("source_collection"),
    _SOURCE.c.number.label("source_number"),
).select_from(
    VERSION.join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id)
    .join(PROJECT, PROJECT.c.id == COLLECTION.c.project_id)
    .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
    .outerjoin(_SOURCE, _SOURCE.c.id == VERSION.c.source_version_id)
    .outerjoin(_SOURCE_COLLECTION, _SOURCE_COLLECTION.c.id == _SOURCE.c.collection_id)
    .outerjoin(_SOURCE_PROJECT, _SOURCE_PROJECT.c.id == _SOURCE_COLLECTION.c.project_id)
    .outerjoin(_SOURCE_ENTITY, _SOURCE_ENTITY.c.id == _SOURCE_PROJECT.c.entity_id)
)
_VERSION_COLUMNS = tuple(VERSION_RECORDS.selected_columns.keys())


def project_of(row: RowMapping) -> ProjectRecord:
    """Return the record in a row of `PROJECT_RECORDS`."""
    return ProjectRecord(**{**row, "kind": ProjectKind(row["kind"])})


def collection_of(row: RowMapping) -> CollectionRecord:
    """Return the record in a row of `COLLECTION_RECORDS`."""
    return _collection_of({**row})


def collection_in(row: Sequence[Any]) -> CollectionRecord:
    """Return the record in a row of `COLLECTION_RECORDS` that came straight from the driver."""
    columns = dict(zip(_COLLECTION_COLUMNS, row, strict=True))
    names = {name: names_in(columns[name]) for name in ("tags", "aliases", "protected_aliases")}
    return _collection_of({**columns, **names})


def _collection_of(columns: dict[str, Any]) -> CollectionRecord:
    return CollectionRecord(**{**columns, "kind": CollectionKind(columns["kind"])})


def version_of(row: RowMapping) -> VersionRecord:
    """Return the record in a row of `VERSION_RECORDS`."""
    return _version_of({**row})


def version_in(row: Sequence[Any]) -> VersionRecord:
    """Return the record in a row of `VERSION_RECORDS` that came straight from the driver."""
    columns = dict(zip(_VERSION_COLUMNS, row, strict=True))
    return _version_of(
        {**columns, "aliases": names_in(columns["aliases"]), "tags": names_in(columns["tags"])}
    )


def _version_of(columns: dict[str, Any]) -> VersionRecord:
    names = [columns.pop(name) for name in _SOURCE_NAMES]
    source_id = columns.pop("source_version_id")
    source = SourceRecord(source_id, *names) if source_id is not None else None
    columns["state"] = VersionState(columns["state"])
    return VersionRecord(**columns, source=source)
