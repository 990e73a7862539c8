"""Where a filtered list begins: at the condition that selects the fewest rows.

Databases guess how many rows a condition selects; here it is counted, as far as it matters. Each
condition that all rows of the list must meet, and that an index answers, is asked for its first
rows. One that has few of them is where the list begins: the time it takes then depends on these
rows, not on how many others there are. Where every condition has many rows, the list is read in
its order until the page is full, which is soon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import (
    METADATA_FIELD,
    And,
    Comparison,
    Filter,
    LeafComparison,
    LeafPattern,
    LeafPresence,
    Operator,
    Or,
)
from hydria_server.domain.leaves import LIST_MARK
from hydria_server.storage.metadata.dialect import may_match
from hydria_server.storage.metadata.fields import (
    EnumField,
    Field,
    LeavesField,
    NamesField,
    NumberField,
    TextField,
)
from hydria_server.storage.metadata.filtering import compared
from hydria_server.storage.metadata.leaf_conditions import leaf_at, leaf_range
from hydria_server.storage.metadata.search_tables import VERSION_LEAF

# Rows that can be read one by one, whatever the order, in the time that one call may take.
FEW: Final = 5_000
_COUNTED_MAX: Final = 20  # conditions: one statement counts them all
_PARTS_MAX: Final = 200  # alternatives: SQLite puts no more than 500 selects together

# The ids of rows that may meet a condition; all that do are among them.
Candidates = Select[int]


@dataclass(frozen=True, slots=True)
class _Part:
    """Candidates, as the ids in scope and a condition."""

    rows: Select[int]
    condition: ColumnElement[bool]


async def fewest(
    connection: AsyncConnection, filter_: Filter, fields: Mapping[str, Field]
) -> Candidates | None:
    """Return the candidates of the condition that selects the fewest rows, if these are few.

    Raises:
        FilterInvalidError: as `filtering.where`.
    """
    possible = list(islice(_Planner(connection, fields).all_of(filter_), _COUNTED_MAX))
    if not possible:
        return None
    counts = (await connection.execute(select(*map(_count, possible)))).one()
    count, at = min((count, at) for at, count in enumerate(counts))
    return possible[at] if count < FEW else None


def _count(candidates: Candidates) -> ColumnElement[int]:
    some = candidates.correlate(None).limit(FEW).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


class _Planner:
    """Finds the candidates of conditions, where an index has them."""

    def __init__(self, connection: AsyncConnection, fields: Mapping[str, Field]) -> None:
        self._connection = connection
        self._fields = fields
        leaves = fields.get(METADATA_FIELD)
        self._leaf_rows = leaves.rows if isinstance(leaves, LeavesField) else None

    def all_of(self, filter_: Filter) -> Iterator[Candidates]:
        """Yield the candidates of conditions that every row must meet."""
        terms = list(_terms(filter_))
        for parts in chain(self._spans(terms), map(self._of, terms)):
            if parts:
                yield _together(parts)

    def _of(self, filter_: Filter) -> Sequence[_Part]:
        """Return the candidates of a condition, in parts; none if any row may meet it."""
        match filter_:
            case Or(terms):
                found = [self._of(term) for term in terms]
                parts = list(chain.from_iterable(found)) if all(found) else ()
                return parts if len(parts) <= _PARTS_MAX else ()
            case And(terms):
                return next(filter(None, map(self._of, terms)), ())
            case Comparison():
                return self._compared(filter_)
            case LeafComparison() | LeafPattern() | LeafPresence() if self._leaf_rows is not None:
                return (_Part(self._leaf_rows, leaf_range(filter_)),)
        return ()

    def _compared(self, comparison: Comparison) -> Sequence[_Part]:
        value = comparison.value
        if comparison.operator is Operator.NE:
            return ()
        match self._fields.get(comparison.field):
            case NamesField(rows=rows, name=name):
                return (_Part(rows, may_match(name, str(value))),)
            case TextField(column=column, rows=Select() as rows) if not str(value).startswith("*"):
                return (_Part(rows, may_match(column, str(value))),)
            case NumberField(rows=Select() as rows):
                return (_Part(rows, self._condition(comparison)),)
            case EnumField(rare=name, rows=Select() as rows) if value == name:
                return (_Part(rows, self._condition(comparison)),)
        return ()

    def _condition(self, comparison: Comparison) -> ColumnElement[bool]:
        return compared(self._connection, comparison, self._fields)

    def _spans(self, terms: Sequence[Filter]) -> Iterator[Sequence[_Part]]:
        """Yield the candidates of several conditions on one field, such as a span of time."""
        numbers, leaves = defaultdict(list), defaultdict(list)
        for term in terms:
            if isinstance(term, Comparison):
                numbers[term.field].append(term)
            elif isinstance(term, LeafComparison):
                leaves[term.path].append(term)
        for name, comparisons in numbers.items():
            match self._fields.get(name):
                case NumberField(rows=Select() as rows) if len(comparisons) > 1:
                    yield (_Part(rows, and_(*map(self._condition, comparisons))),)
        for path, bounds in leaves.items():
            if self._leaf_rows is not None and len(bounds) > 1:
                yield _leaves_within(self._leaf_rows, path, bounds)


def _together(parts: Sequence[_Part]) -> Candidates:
    """Return the candidates of all parts, each read from the index by itself."""
    selected = [part.rows.where(part.condition) for part in parts]
    if len(selected) == 1:
        return selected[0]
    return select(next(iter(union_all(*selected).subquery().c)))


def _terms(filter_: Filter) -> Iterator[Filter]:
    """Yield what must all be true."""
    if isinstance(filter_, And):
        for term in filter_.terms:
            yield from _terms(term)
    else:
        yield filter_


def _leaves_within(
    rows: Select[int], path: str, bounds: Sequence[LeafComparison]
) -> Sequence[_Part]:
    """Return the versions whose only value at a path is within bounds, or that have several.

    Of several values, one may be within the first bound and another within the second.
    """
    several = and_(leaf_at(path), VERSION_LEAF.c.key == literal(LIST_MARK))
    return _Part(rows, and_(*map(leaf_range, bounds))), _Part(rows, several)
