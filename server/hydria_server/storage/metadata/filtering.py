"""From filters, as values, to WHERE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, false, literal, literal_column, not_, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import FilterInvalidError
from hydria_server.domain.filters import (
    METADATA_FIELD,
    And,
    Comparison,
    Filter,
    LeafComparison,
    LeafPattern,
    LeafPresence,
    Not,
    Operator,
    Or,
)
from hydria_server.storage.metadata.dialect import batches, matches
from hydria_server.storage.metadata.fields import (
    EnumField,
    Field,
    LeavesField,
    NamesField,
    NumberField,
    Sortable,
    TextField,
)
from hydria_server.storage.metadata.leaf_conditions import leaf_condition

__all__ = ["EnumField", "Field", "NamesField", "NumberField", "TextField", "where"]

MAX_DEPTH: Final = 100  # of a filter: SQLite and SQLAlchemy walk it by recursion
TOGETHER: Final = 100  # alternatives in one question: SQLite takes no expression deeper than 1,000
_INT64: Final = 1 << 63


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
            owned, others = _owned(connection, terms, fields)
            together = [
                field.has(or_(*some)) for field, all_ in owned for some in batches(all_, TOGETHER)
            ]
            rest = [where(connection, term, fields, depth=depth + 1) for term in others]
            return or_(false(), *together, *rest)
        case Not(term):
            return not_(where(connection, term, fields, depth=depth + 1))
        case Comparison():
            return compared(connection, filter_, fields)
        case LeafComparison() | LeafPattern() | LeafPresence():
            return leaves_field(fields).has(leaf_condition(connection, filter_))


Owner = NamesField | LeavesField


def _owned(
    connection: AsyncConnection, terms: Sequence[Filter], fields: Mapping[str, Field]
) -> tuple[Iterable[tuple[Owner, list[ColumnElement[bool]]]], list[Filter]]:
    """Return what alternatives ask of each field with rows of its own, and the other alternatives.

    One question, whether there is such a row, then stands for as many alternatives as there are.
    """
    owned: dict[str, tuple[Owner, list[ColumnElement[bool]]]] = {}
    others: list[Filter] = []
    for term in terms:
        field = fields.get(term.field) if isinstance(term, Comparison) else None
        match term:
            case LeafComparison() | LeafPattern() | LeafPresence():
                leaves = leaves_field(fields)
                asked = owned.setdefault(METADATA_FIELD, (leaves, []))
                asked[1].append(leaf_condition(connection, term))
            case Comparison(name, Operator.EQ | Operator.HAS, str(value)) if isinstance(
                field, NamesField
            ):
                asked = owned.setdefault(name, (field, []))
                asked[1].append(matches(connection, field.name, value))
            case _:
                others.append(term)
    return owned.values(), others


def compared(
    connection: AsyncConnection, comparison: Comparison, fields: Mapping[str, Field]
) -> ColumnElement[bool]:
    """Return the condition that a comparison states. Raises as `where`."""
    value = comparison.value
    match fields.get(comparison.field), value:
        case TextField(column=column), str():
            if comparison.operator in _EQUALITIES:
                return _affirmed(comparison, matches(connection, column, value))
            return _ordered(column, comparison.operator, value)
        case NumberField(column=column), int() if -_INT64 <= value < _INT64:
            if comparison.operator in _EQUALITIES:
                return _affirmed(comparison, column == value)
            return _ordered(column, comparison.operator, value)
        case EnumField(column=column, names=names), str() if comparison.operator in _EQUALITIES:
            return _affirmed(comparison, _named(column, names, value))
        case NamesField() as names_field, str() if comparison.operator in _EQUALITIES:
            named = matches(connection, names_field.name, value)
            return _affirmed(comparison, names_field.has(named))
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


def leaves_field(fields: Mapping[str, Field]) -> LeavesField:
    """Return the field of metadata.

    Raises:
        FilterInvalidError: the list has none.
    """
    field = fields.get(METADATA_FIELD)
    if not isinstance(field, LeavesField):
        raise FilterInvalidError("there is no metadata to compare")
    return field
