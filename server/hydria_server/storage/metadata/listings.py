"""Lists, filtered, ordered and paged.

A page takes two statements: the first finds the ids, in order, and the second reads their rows.
So what a record gathers (aliases, tags, counts) is gathered for the rows of the page only, and a
page ends before its rows are more than a response can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, RowMapping, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import KeyedColumnElement

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.kinds import ProjectKind
from hydria_server.domain.records import (
    CollectionRecord,
    ProjectRecord,
    TypeRecord,
    VersionRecord,
    VersionState,
)
from hydria_server.storage.metadata.catalog_records import (
    COLLECTION_RECORDS,
    PROJECT_RECORDS,
    VERSION_RECORDS,
    collection_of,
    project_of,
    version_of,
)
from hydria_server.storage.metadata.dialect import batches, byte_length
from hydria_server.storage.metadata.filtering import (
    EnumField,
    Field,
    NamesField,
    NumberField,
    Ordering,
    Sortable,
    TextField,
    where,
)
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    COLLECTION_TAG,
    IS_LIVE_COLLECTION,
    IS_LIVE_PROJECT,
    PROJECT,
    VERSION,
    VERSION_TAG,
)

T = TypeVar("T")

# Descriptions and metadata of one page; a single larger row still makes a page.
MAX_PAGE_TEXT_BYTES: Final = 2 * 1024 * 1024
# With the names too; a message repeats three of them, up to 512 bytes long, in its ref.
MAX_PAGE_BYTES: Final = 3 * 1024 * 1024
ROW_BYTES: Final = 2048
# The version itself, or the source of a link: whose words a page will hold.
_CONTENT: Final = VERSION.alias("content")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What can be listed: which rows, by which fields, and as which records."""

    rows: Select[*tuple[Any, ...]]  # its FROM and WHERE
    row_id: KeyedColumnElement[int] | KeyedColumnElement[str]
    text_bytes: ColumnElement[int]
    fields: Mapping[str, Field]
    records: Select[*tuple[Any, ...]]
    record_of: Callable[[RowMapping], T]

    def sortable(self) -> dict[str, Sortable]:
        """Return the columns of those fields that have one value for each row."""
        return {
            name: field.column
            for name, field in self.fields.items()
            if isinstance(field, TextField | NumberField)
        }


class SqlListings:
    """Lists, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def versions(
        self, project_id: int, collection_id: int | None, query: Query
    ) -> Page[VersionRecord]:
        return await self.page(_versions(project_id, collection_id), query)

    async def collections(self, project_id: int, query: Query) -> Page[CollectionRecord]:
        return await self.page(_collections(project_id), query)

    async def projects(self, entity_id: int, query: Query) -> Page[ProjectRecord]:
        return await self.page(_projects(entity_id), query)

    async def types(self, project_id: int, query: Query) -> Page[TypeRecord]:
        return await self.page(_types(project_id), query)

    async def page(self, listing: Listing[T], query: Query) -> Page[T]:
        """Return a page of whatever can be listed."""
        ordering = Ordering.of(query.order, listing.sortable(), listing.row_id)
        statement = listing.rows.with_only_columns(*ordering.columns, listing.text_bytes)
        if query.filter is not None:
            statement = statement.where(where(self._connection, query.filter, listing.fields))
        if query.after is not None:
            statement = statement.where(ordering.after(query.after))
        statement = statement.order_by(*ordering.order_by()).limit(query.limit + 1)
        found = [tuple(row) for row in await self._connection.execute(statement)]
        kept = _fitting(found[: query.limit])
        items = await self._records(listing, [row[-2] for row in kept])
        items = items[: _count_with_names(items)]
        more = items and len(items) < len(found)
        return Page(tuple(items), kept[len(items) - 1][:-1] if more else None)

    async def _records(self, listing: Listing[T], ids: Sequence[int | str]) -> list[T]:
        records: dict[int | str, T] = {}
        for group in batches(ids):
            rows = await self._connection.execute(listing.records.where(listing.row_id.in_(group)))
            for row in rows.mappings():
                records[row[listing.row_id.key]] = listing.record_of(row)
        return [records[row_id] for row_id in ids]


def _fitting(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the first of `rows`, as many as one page can hold; their last column is a size."""
    kept: list[tuple[Any, ...]] = []
    total_bytes = 0
    for row in rows:
        total_bytes += row[-1]
        if kept and total_bytes > MAX_PAGE_TEXT_BYTES:
            break
        kept.append(row)
    return kept


def _count_with_names(items: Sequence[object]) -> int:
    """Return how many of the records one page can hold, now that all their names are known."""
    total_bytes = 0
    for count, item in enumerate(items):
        total_bytes += _text_bytes(item)
        if count and total_bytes > MAX_PAGE_BYTES:
            return count
    return len(items)


def _text_bytes(record: object) -> int:
    """Return the bytes of all texts in a record, its aliases and tags among them."""
    total_bytes = ROW_BYTES
    for name in getattr(record, "__slots__", ()):
        value = getattr(record, name)
        texts = (value,) if isinstance(value, str) else value
        if isinstance(texts, tuple):
            total_bytes += sum(len(text.encode()) + 4 for text in texts if isinstance(text, str))
    return total_bytes


def _versions(project_id: int, collection_id: int | None) -> Listing[VersionRecord]:
    if collection_id is not None:
        return versions_where(VERSION.c.collection_id == collection_id, (collection_id,))
    within = select(COLLECTION.c.id).where(COLLECTION.c.project_id == project_id)
    return versions_where(VERSION.c.project_id == project_id, within)


def versions_where(
    scope: ColumnElement[bool], collection_ids: Sequence[int] | Select[int]
) -> Listing[VersionRecord]:
    """Return the list of versions and links of a scope, which has these collections."""
    aliased = select(ALIAS.c.version_id).where(ALIAS.c.collection_id.in_(collection_ids))
    tagged = select(VERSION_TAG.c.version_id).where(VERSION_TAG.c.collection_id.in_(collection_ids))
    return Listing(
        rows=select(VERSION.c.id)
        .select_from(
            VERSION.join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id).join(
                _CONTENT,
                _CONTENT.c.id == func.coalesce(VERSION.c.source_version_id, VERSION.c.id),
            )
        )
        .where(scope),
        row_id=VERSION.c.id,
        text_bytes=_CONTENT.c.metadata_bytes + byte_length(_CONTENT.c.description),
        fields={
            "name": TextField(COLLECTION.c.name),
            "type": TextField(COLLECTION.c.type),
            "alias": NamesField(VERSION.c.id, aliased, ALIAS.c.name),
            "tag": NamesField(VERSION.c.id, tagged, VERSION_TAG.c.tag),
            "state": EnumField(VERSION.c.state, VersionState),
            "created_at": NumberField(VERSION.c.created_at_us),
            "updated_at": NumberField(VERSION.c.updated_at_us),
            "version": NumberField(VERSION.c.number),
            "size_bytes": NumberField(VERSION.c.size_bytes),
            "file_count": NumberField(VERSION.c.file_count),
        },
        records=VERSION_RECORDS,
        record_of=version_of,
    )


def _collections(project_id: int) -> Listing[CollectionRecord]:
    live = (COLLECTION.c.project_id == project_id, IS_LIVE_COLLECTION)
    within = select(COLLECTION.c.id).where(*live)
    aliased = select(ALIAS.c.collection_id).where(ALIAS.c.collection_id.in_(within))
    tagged = select(COLLECTION_TAG.c.collection_id).where(
        COLLECTION_TAG.c.collection_id.in_(within)
    )
    return Listing(
        rows=within,
        row_id=COLLECTION.c.id,
        text_bytes=byte_length(COLLECTION.c.description),
        fields={
            "name": TextField(COLLECTION.c.name),
            "type": TextField(COLLECTION.c.type),
            "alias": NamesField(COLLECTION.c.id, aliased, ALIAS.c.name),
            "tag": NamesField(COLLECTION.c.id, tagged, COLLECTION_TAG.c.tag),
            "created_at": NumberField(COLLECTION.c.created_at_us),
            "updated_at": NumberField(COLLECTION.c.updated_at_us),
        },
        records=COLLECTION_RECORDS,
        record_of=collection_of,
    )


def _projects(entity_id: int) -> Listing[ProjectRecord]:
    return Listing(
        rows=select(PROJECT.c.id).where(
            PROJECT.c.entity_id == entity_id,
            IS_LIVE_PROJECT,
            PROJECT.c.kind == ProjectKind.PROJECT.value,
        ),
        row_id=PROJECT.c.id,
        text_bytes=literal_column("0", Integer),
        fields={
            "name": TextField(PROJECT.c.name),
            "created_at": NumberField(PROJECT.c.created_at_us),
        },
        records=PROJECT_RECORDS,
        record_of=project_of,
    )


def _types(project_id: int) -> Listing[TypeRecord]:
    """A type has no id, and its name is unique."""
    used = (
        select(
            COLLECTION.c.type.label("name"),
            func.count().label("collection_count"),
            func.min(COLLECTION.c.created_at_us).label("created_at_us"),
        )
        .where(COLLECTION.c.project_id == project_id, IS_LIVE_COLLECTION)
        .group_by(COLLECTION.c.type)
        .subquery("used")
    )
    return Listing(
        rows=select(used.c.name),
        row_id=used.c.name,
        text_bytes=literal_column("0", Integer),
        fields={
            "name": TextField(used.c.name),
            "created_at": NumberField(used.c.created_at_us),
        },
        records=select(used.c.name, used.c.collection_count, used.c.created_at_us),
        record_of=lambda row: TypeRecord(**row),
    )
