"""From filters and orders, as values, to WHERE and ORDER BY."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    literal,
    literal_column,
    not_,
    or_,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import FilterInvalidError, PageTokenInvalidError
from hydria_server.domain.filters import (
    And,
    Comparison,
    Cursor,
    Filter,
    Not,
    Operator,
    Or,
    OrderTerm,
)
from hydria_server.storage.metadata.dialect import matches

MAX_DEPTH: Final = 100  # of a filter: SQLite and SQLAlchemy walk it by recursion
_INT64: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class TextField:
    """One text for each row. HAS is the same as EQ."""

    column: ColumnElement[str]


@dataclass(frozen=True, slots=True)
class NumberField:
    """One number for each row. HAS is the same as EQ."""

    column: ColumnElement[int]


@dataclass(frozen=True, slots=True)
class EnumField:
    """One number for each row, that filters call by its name in an enumeration."""

    column: ColumnElement[int]
    names: type[IntEnum]


@dataclass(frozen=True, slots=True)
class NamesField:
    """Any number of names for each row: EQ and HAS ask for one of them, NE for none.

    `rows` selects the ids of the rows that have a name. It is a list made once, not a question
    asked for each row, so that a rare name costs as little beside 10 rows as beside 10,000.
    """

    row_id: ColumnElement[int]
    rows: Select[int]
    name: ColumnElement[str]


Sortable = ColumnElement[str] | ColumnElement[int]
Field = TextField | NumberField | EnumField | NamesField


def where(
    connection: AsyncConnection, filter_: Filter, fields: Mapping[str, Field], *, depth: int = 0
) -> ColumnElement[bool]:
    """Return the condition that `filter_` states.

    Raises:
        FilterInvalidError: an unknown field, a value or operator that the field does not have, or
            a filter nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise FilterInvalidError(f"the filter is nested more than {MAX_DEPTH} deep")
    match filter_:
        case And(terms):
            return and_(*(where(connection, term, fields, depth=depth + 1) for term in terms))
        case Or(terms):
            return or_(*(where(connection, term, fields, depth=depth + 1) for term in terms))
        case Not(term):
            return not_(where(connection, term, fields, depth=depth + 1))
        case Comparison():
            return _compared(connection, filter_, fields)


def _compared(
    connection: AsyncConnection, comparison: Comparison, fields: Mapping[str, Field]
) -> ColumnElement[bool]:
    value = comparison.value
    match fields.get(comparison.field), value:
        case TextField(column), str():
            if comparison.operator in _EQUALITIES:
                return _affirmed(comparison, matches(connection, column, value))
            return _ordered(column, comparison.operator, value)
        case NumberField(column), int() if -_INT64 <= value < _INT64:
            if comparison.operator in _EQUALITIES:
                return _affirmed(comparison, column == value)
            return _ordered(column, comparison.operator, value)
        case EnumField(column, names), str() if comparison.operator in _EQUALITIES:
            return _affirmed(comparison, _named(column, names, value))
        case NamesField(row_id, rows, name), str() if comparison.operator in _EQUALITIES:
            having = rows.where(matches(connection, name, value))
            return _affirmed(comparison, row_id.in_(having))
    raise FilterInvalidError(
        f"{comparison.field} {comparison.operator.value} {str(value)[:80]!r} cannot be compared"
    )


_EQUALITIES: Final = (Operator.EQ, Operator.NE, Operator.HAS)


def _affirmed(comparison: Comparison, equal: ColumnElement[bool]) -> ColumnElement[bool]:
    return not_(equal) if comparison.operator is Operator.NE else equal


def _ordered(column: Sortable, operator: Operator, value: str | int) -> ColumnElement[bool]:
    return column.op(operator.value, is_comparison=True)(literal(value, column.type))


def _named(column: ColumnElement[int], names: type[IntEnum], value: str) -> ColumnElement[bool]:
    """Compare with literal numbers: a partial index is used only for such."""
    pattern = re.compile(".*".join(map(re.escape, value.split("*"))))
    meant = [each.value for each in names if pattern.fullmatch(each.name)]
    return or_(false(), *(column == literal_column(str(number)) for number in meant))


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of a list: some columns, and at last the row's id, which makes it total."""

    columns: Sequence[Sortable]
    descending: Sequence[bool]

    @classmethod
    def of(
        cls,
        terms: Sequence[OrderTerm],
        columns: Mapping[str, Sortable],
        row_id: Sortable,
    ) -> Ordering:
        """Return the order by `terms`; the id goes the way of the last of them.

        Raises:
            FilterInvalidError: an unknown field.
        """
        for term in terms:
            if term.field not in columns:
                raise FilterInvalidError(f"a list cannot be ordered by {term.field[:80]!r}")
        ways = [term.descending for term in terms]
        return cls(
            [*(columns[term.field] for term in terms), row_id],
            [*ways, ways[-1] if ways else False],
        )

    def order_by(self) -> list[Sortable]:
        """Return the terms of ORDER BY."""
        return [
            column.desc() if descending else column.asc()
            for column, descending in zip(self.columns, self.descending, strict=True)
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


def _checked(key: str | int, column: Sortable) -> str | int:
    """Return a key that may be bound: cursors come from tokens, and tokens from anybody."""
    if column.type.python_type is int:
        sound = isinstance(key, int) and -_INT64 <= key < _INT64
    else:
        sound = isinstance(key, str) and not any("\ud800" <= char <= "\udfff" for char in key)
    if not sound:
        raise PageTokenInvalidError("the page token is garbled")
    return key
