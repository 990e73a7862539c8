"""Lists of versions and links: of a collection, of a project, of an entity, of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select

from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.records import VersionRecord, VersionState
from hydria_server.storage.metadata.catalog_records import VERSION_RECORDS, version_of
from hydria_server.storage.metadata.dialect import byte_length
from hydria_server.storage.metadata.fields import (
    EnumField,
    Field,
    LeavesField,
    NamesField,
    NumberField,
    TextField,
)
from hydria_server.storage.metadata.paging import Listing
from hydria_server.storage.metadata.search_tables import VERSION_LEAF
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    PROJECT,
    VERSION,
    VERSION_TAG,
)

# The version itself, or the source of a link: whose words a page will hold.
_CONTENT: Final = VERSION.alias("content")
_VERSIONS: Final = select(VERSION.c.id).select_from(
    VERSION.join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id).join(
        _CONTENT, _CONTENT.c.id == func.coalesce(VERSION.c.source_version_id, VERSION.c.id)
    )
)
_PROJECT_NAME: Final = (
    select(PROJECT.c.name).where(PROJECT.c.id == VERSION.c.project_id).correlate(VERSION)
).scalar_subquery()


def versions_of(project_id: int, collection_id: int | None) -> Listing[VersionRecord]:
    """Return the list of versions of a collection, or of all of a project."""
    if collection_id is not None:
        return versions_where(
            VERSION.c.collection_id == collection_id,
            (collection_id,),
            leaves=VERSION_LEAF.c.collection_id == collection_id,
        )
    within = select(COLLECTION.c.id).where(COLLECTION.c.project_id == project_id)
    return versions_where(
        VERSION.c.project_id == project_id,
        within,
        leaves=VERSION_LEAF.c.collection_id.in_(within),
    )


def versions_of_entity(entity_id: int, project_ids: Sequence[int]) -> Listing[VersionRecord]:
    """Return the list of all versions and links of an entity, which has these projects."""
    projects = select(PROJECT.c.id).where(PROJECT.c.entity_id == entity_id)
    within = select(COLLECTION.c.id).where(COLLECTION.c.project_id.in_(projects))
    listing = versions_where(
        VERSION.c.project_id.in_(projects),
        within,
        leaves=VERSION_LEAF.c.entity_id == entity_id,
    )
    return replace(listing, parts=[VERSION.c.project_id == each for each in project_ids])


def versions_where(
    scope: ColumnElement[bool],
    collection_ids: Sequence[int] | Select[int],
    *,
    leaves: ColumnElement[bool] | None = None,
) -> Listing[VersionRecord]:
    """Return the list of versions and links of a scope, which has these collections.

    With `leaves`, the condition for leaves in scope, it may begin at what a filter selects.
    """
    return Listing(
        rows=_VERSIONS.where(scope),
        row_id=VERSION.c.id,
        text_bytes=_CONTENT.c.metadata_bytes + byte_length(_CONTENT.c.description),
        fields={
            **_own_fields(None if leaves is None else scope, collection_ids),
            "alias": NamesField(
                VERSION.c.id,
                select(ALIAS.c.version_id).where(ALIAS.c.collection_id.in_(collection_ids)),
                ALIAS.c.name,
            ),
            "tag": NamesField(
                VERSION.c.id,
                select(VERSION_TAG.c.version_id).where(
                    VERSION_TAG.c.collection_id.in_(collection_ids)
                ),
                VERSION_TAG.c.tag,
            ),
            "metadata": LeavesField(
                VERSION.c.id,
                None if leaves is None else select(VERSION_LEAF.c.version_id).where(leaves),
            ),
        },
        records=VERSION_RECORDS,
        record_of=version_of,
        unscoped=None if leaves is None else _VERSIONS,
    )


def _own_fields(
    scope: ColumnElement[bool] | None, collection_ids: Sequence[int] | Select[int]
) -> dict[str, Field]:
    """Return the fields with one value for each version; with a scope, those that have indexes."""
    rows = numbered = named = None
    if scope is not None:
        rows = select(VERSION.c.id).where(scope)
        numbered = select(VERSION.c.id).where(VERSION.c.collection_id.in_(collection_ids))
        named = numbered.join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id)
    return {
        "project": TextField(_PROJECT_NAME),
        "kind": EnumField(COLLECTION.c.kind, CollectionKind),
        "name": TextField(COLLECTION.c.name, named),
        "type": TextField(COLLECTION.c.type, named),
        "state": EnumField(VERSION.c.state, VersionState, rows, VersionState.DELETED.name),
        "created_at": NumberField(VERSION.c.created_at_us, rows),
        "updated_at": NumberField(VERSION.c.updated_at_us, rows),
        "version": NumberField(VERSION.c.number, numbered),
        "size_bytes": NumberField(VERSION.c.size_bytes, rows),
        "file_count": NumberField(VERSION.c.file_count),
    }
