"""Pages of a list: filtered, ordered, and no larger than a response.

A page takes two statements, and with a filter one more, which finds where to begin: the first finds
the ids, in order, and the second reads their rows. So what a record gathers (aliases, tags, counts)
is gathered for the rows of the page only, and a page ends before its rows are more than a response
can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import KeyedColumnElement

from hydria_server.domain.filters import Filter, Page, Query
from hydria_server.storage.metadata.dialect import batches
from hydria_server.storage.metadata.fields import Field
from hydria_server.storage.metadata.filtering import where
from hydria_server.storage.metadata.ordering import Ordering, cursor_of
from hydria_server.storage.metadata.planning import fewest

T = TypeVar("T")

# Descriptions and metadata of one page; a single larger row still makes a page.
MAX_PAGE_TEXT_BYTES: Final = 2 * 1024 * 1024
# With the names too; a message repeats three of them, up to 512 bytes long, in its ref.
MAX_PAGE_BYTES: Final = 3 * 1024 * 1024
ROW_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What can be listed: which rows, by which fields, and as which records."""

    rows: Select[*tuple[Any, ...]]  # its FROM and WHERE
    row_id: KeyedColumnElement[int] | KeyedColumnElement[str]
    text_bytes: ColumnElement[int]
    fields: Mapping[str, Field]
    records: Select[*tuple[Any, ...]]
    record_of: Callable[[RowMapping], T]
    # The FROM alone. With it, the list may begin at the candidates of a condition, which are within
    # the scope that `rows` states.
    unscoped: Select[*tuple[Any, ...]] | None = None
    # Conditions for parts that make up the list, each with indexes in which its rows have an order.
    parts: Sequence[ColumnElement[bool]] = ()


class Pager:
    """Reads pages, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(self, listing: Listing[T], query: Query) -> Page[T]:
        """Return a page of whatever can be listed."""
        ordering = Ordering.of(query.order, listing.fields, listing.row_id)
        conditions = []
        if query.filter is not None:
            conditions.append(where(self._connection, query.filter, listing.fields))
        if query.after is not None:
            conditions.append(ordering.after(query.after))
        statements = [
            statement.with_only_columns(
                *ordering.labelled(), listing.text_bytes.label("text_bytes")
            )
            .where(*conditions)
            .order_by(*ordering.order_by())
            .limit(query.limit + 1)
            for statement in await self._begun(listing, query.filter)
        ]
        found = await self._rows(statements, ordering, query.limit + 1)
        kept = _fitting(found[: query.limit])
        items = await self._records(listing, [row[-2] for row in kept])
        items = items[: _count_with_names(items)]
        more = items and len(items) < len(found)
        return Page(tuple(items), cursor_of(kept[len(items) - 1][:-1]) if more else None)

    async def _begun(
        self, listing: Listing[T], filter_: Filter | None
    ) -> Sequence[Select[*tuple[Any, ...]]]:
        """Return the statements for all rows, which begin where there are the fewest."""
        if listing.unscoped is None:
            return (listing.rows,)
        if filter_ is not None:
            found = await fewest(self._connection, filter_, listing.fields)
            if found is not None:
                return (listing.unscoped.where(listing.row_id.in_(found.correlate(None))),)
        if listing.parts:
            return [listing.unscoped.where(part) for part in listing.parts]
        return (listing.rows,)

    async def _rows(
        self, statements: Sequence[Select[*tuple[Any, ...]]], ordering: Ordering, limit: int
    ) -> list[tuple[Any, ...]]:
        """Return the first rows of all statements, in their order."""
        statement: Select[*tuple[Any, ...]] = statements[0]
        if len(statements) > 1:
            together = union_all(*(select(each.subquery()) for each in statements)).subquery()
            statement = select(together).order_by(*ordering.order_of(together.c)).limit(limit)
        return [tuple(row) for row in await self._connection.execute(statement)]

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
