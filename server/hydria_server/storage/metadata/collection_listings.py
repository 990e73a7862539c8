"""Lists of collections and registered models: of a project or registry, and of an entity."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, select

from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.records import CollectionRecord
from hydria_server.storage.metadata.catalog_records import COLLECTION_RECORDS, collection_of
from hydria_server.storage.metadata.dialect import byte_length
from hydria_server.storage.metadata.fields import EnumField, NamesField, NumberField, TextField
from hydria_server.storage.metadata.paging import Listing
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    COLLECTION_TAG,
    IS_LIVE_COLLECTION,
    PROJECT,
)

_PROJECT_NAME: Final = (
    select(PROJECT.c.name).where(PROJECT.c.id == COLLECTION.c.project_id).correlate(COLLECTION)
).scalar_subquery()


def collections_of(project_id: int) -> Listing[CollectionRecord]:
    """Return the list of a project's or a registry's collections."""
    return _collections_where(COLLECTION.c.project_id == project_id)


def collections_of_entity(entity_id: int) -> Listing[CollectionRecord]:
    """Return the list of all collections and registered models of an entity."""
    projects = select(PROJECT.c.id).where(PROJECT.c.entity_id == entity_id)
    return _collections_where(COLLECTION.c.project_id.in_(projects))


def _collections_where(scope: ColumnElement[bool]) -> Listing[CollectionRecord]:
    within = select(COLLECTION.c.id).where(scope, IS_LIVE_COLLECTION)
    aliased = select(ALIAS.c.collection_id).where(ALIAS.c.collection_id.in_(within))
    tagged = select(COLLECTION_TAG.c.collection_id).where(
        COLLECTION_TAG.c.collection_id.in_(within)
    )
    return Listing(
        rows=within,
        row_id=COLLECTION.c.id,
        text_bytes=byte_length(COLLECTION.c.description),
        fields={
            "project": TextField(_PROJECT_NAME),
            "kind": EnumField(COLLECTION.c.kind, CollectionKind),
            "name": TextField(COLLECTION.c.name, within),
            "type": TextField(COLLECTION.c.type, within),
            "description": TextField(COLLECTION.c.description),
            "alias": NamesField(COLLECTION.c.id, aliased, ALIAS.c.name),
            "tag": NamesField(COLLECTION.c.id, tagged, COLLECTION_TAG.c.tag),
            "created_at": NumberField(COLLECTION.c.created_at_us, within),
            "updated_at": NumberField(COLLECTION.c.updated_at_us, within),
        },
        records=COLLECTION_RECORDS,
        record_of=collection_of,
        unscoped=select(COLLECTION.c.id),
    )
