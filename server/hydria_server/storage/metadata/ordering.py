"""Orders, as ORDER BY, and where the next page of one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, or_, tuple_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from hydria_server.domain.errors import FilterInvalidError, PageTokenInvalidError
from hydria_server.domain.filters import Cursor, OrderTerm
from hydria_server.storage.metadata.fields import (
    Field,
    LeavesField,
    NumberField,
    Sortable,
    TextField,
)
from hydria_server.storage.metadata.search_tables import VERSION_LEAF

_KEY: Final = VERSION_LEAF.c.key.type
_INT64: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of a list: some columns, and at last the row's id, which makes it total."""

    columns: Sequence[Sortable]
    descending: Sequence[bool]

    @classmethod
    def of(
        cls,
        terms: Sequence[OrderTerm],
        fields: Mapping[str, Field],
        row_id: Sortable,
    ) -> Ordering:
        """Return the order by `terms`; the id goes the way of the last of them.

        Raises:
            FilterInvalidError: an unknown field.
        """
        columns = [_column(term, fields.get(term.field)) for term in terms]
        ways = [term.descending for term in terms]
        return cls(
            [*columns, row_id],
            [*ways, ways[-1] if ways else False],
        )

    def labelled(self) -> list[Sortable]:
        """Return the columns under names that are the same for every list."""
        return [column.label(f"key_{at}") for at, column in enumerate(self.columns)]

    def order_by(self) -> list[Sortable]:
        """Return the terms of ORDER BY."""
        return self._directed(self.columns)

    def order_of(self, selected: ReadOnlyColumnCollection[str, Any]) -> list[Sortable]:
        """Return the terms of ORDER BY for rows that were selected by their labels."""
        return self._directed([selected[f"key_{at}"] for at in range(len(self.columns))])

    def _directed(self, columns: Sequence[Sortable]) -> list[Sortable]:
        return [
            column.desc() if descending else column.asc()
            for column, descending in zip(columns, self.descending, strict=True)
        ]

    def after(self, cursor: Cursor) -> ColumnElement[bool]:
        """Return the condition for the rows beyond `cursor`.

        Raises:
            PageTokenInvalidError: it is not a cursor of this order.
        """
        if len(cursor) != len(self.columns):
            raise PageTokenInvalidError("the page token is for another order")
        keys = [
            literal(_checked(key, column), column.type)
            for key, column in zip(cursor, self.columns, strict=True)
        ]
        if len(set(self.descending)) == 1:  # one comparison of rows, which an index can answer
            here, there = tuple_(*self.columns), tuple_(*keys)
            return here < there if self.descending[0] else here > there
        beyond: list[ColumnElement[bool]] = []
        for at, (column, key) in enumerate(zip(self.columns, keys, strict=True)):
            same = [c == k for c, k in zip(self.columns[:at], keys[:at], strict=True)]
            beyond.append(and_(*same, column < key if self.descending[at] else column > key))
        return or_(*beyond)


def _column(term: OrderTerm, field: Field | None) -> Sortable:
    match field:
        case TextField(column=column) | NumberField(column=column):
            return column
        case LeavesField() if term.path:
            # No value comes after all of them, or before where the order goes down.
            return func.coalesce(
                field.least(term.path), literal(b"" if term.descending else b"\xff", _KEY)
            )
    raise FilterInvalidError(f"a list cannot be ordered by {term.field[:80]!r}")


def cursor_of(row: Sequence[str | int | bytes]) -> Cursor:
    """Return where the page after a row begins, whose columns are those of the order."""
    return tuple(key.hex() if isinstance(key, bytes) else key for key in row)


def _checked(key: str | int, column: Sortable) -> str | int | bytes:
    """Return a key that may be bound: cursors come from tokens, and tokens from anybody."""
    wanted = column.type.python_type
    if wanted is int and isinstance(key, int) and -_INT64 <= key < _INT64:
        return key
    if wanted is str and isinstance(key, str) and not _has_half_a_pair(key):
        return key
    if wanted is bytes and isinstance(key, str):
        with suppress(ValueError):
            return bytes.fromhex(key)
    raise PageTokenInvalidError("the page token is garbled")


def _has_half_a_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
