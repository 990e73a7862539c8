"""What a leaf of metadata must be, for a filter to hold."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.filters import (
    LeafComparison,
    LeafFilter,
    LeafPattern,
    LeafPresence,
    Operator,
)
from hydria_server.domain.leaves import TEXT_PREFIX
from hydria_server.storage.metadata.dialect import key_text, matches
from hydria_server.storage.metadata.search_tables import LEAF_PATH, VERSION_LEAF


def leaf_at(path: str) -> ColumnElement[bool]:
    """Return the condition for leaves at a path."""
    path_id = select(LEAF_PATH.c.id).where(LEAF_PATH.c.path == path)
    return VERSION_LEAF.c.path_id == path_id.scalar_subquery()


def leaf_condition(connection: AsyncConnection, filter_: LeafFilter) -> ColumnElement[bool]:
    """Return the condition that a leaf must meet."""
    key, within = VERSION_LEAF.c.key, leaf_range(filter_)
    if isinstance(filter_, LeafPattern):
        within = and_(within, matches(connection, key_text(connection, key), filter_.pattern))
    return within


def leaf_range(filter_: LeafFilter) -> ColumnElement[bool]:
    """Return the condition for a range of the index, with all leaves that meet the filter."""
    key, here = VERSION_LEAF.c.key, leaf_at(filter_.path)
    match filter_:
        case LeafPresence():
            return here
        case LeafPattern(_, pattern):
            first = TEXT_PREFIX + pattern.partition("*")[0].encode()
            # No byte of UTF-8 is the last one.
            return and_(here, key >= literal(first), key < literal(first + b"\xff"))
        case LeafComparison(_, Operator.EQ, value):
            return and_(here, key == literal(value))
        case LeafComparison(_, operator, value):
            bound = key.op(operator.value, is_comparison=True)(literal(value))
            kind = value[0]  # values compare with those of their kind only
            if operator in (Operator.LT, Operator.LE):
                return and_(here, key >= literal(bytes([kind])), bound)
            return and_(here, bound, key < literal(bytes([kind + 1])))
