"""What a list can be filtered by: the kinds of its fields, and where their values are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from sqlalchemy import Column, ColumnElement, Integer, Select, func, literal, literal_column, select

from hydria_server.domain.leaves import FIRST_MARK
from hydria_server.storage.metadata.leaf_conditions import leaf_at
from hydria_server.storage.metadata.search_tables import LEAF_PATH, VERSION_LEAF


@dataclass(frozen=True, slots=True)
class TextField:
    """One text for each row. HAS is the same as EQ.

    `rows`, of any field: the ids of the rows in scope, for conditions that an index answers.
    """

    column: ColumnElement[str]
    rows: Select[int] | None = None


@dataclass(frozen=True, slots=True)
class NumberField:
    """One number for each row. HAS is the same as EQ."""

    column: ColumnElement[int]
    rows: Select[int] | None = None


@dataclass(frozen=True, slots=True)
class EnumField:
    """One number for each row, that filters call by its name in an enumeration.

    `rows` are of use for the name that is `rare`: it has an index of its own.
    """

    column: ColumnElement[int]
    names: type[IntEnum]
    rows: Select[int] | None = None
    rare: str = ""


@dataclass(frozen=True, slots=True)
class NamesField:
    """Any number of names for each row: EQ and HAS ask for one of them, NE for none.

    `rows` selects, from the table of names, the ids of the rows in scope that have a name.
    """

    row_id: ColumnElement[int]
    rows: Select[int]
    name: ColumnElement[str]

    def has(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return whether a row has a name of which the condition is true."""
        (owner,) = self.rows.selected_columns
        return _some(owner, self.row_id, condition)


@dataclass(frozen=True, slots=True)
class LeavesField:
    """The leaves of each version's metadata. `rows` selects the ids of versions in scope."""

    version_id: ColumnElement[int]
    rows: Select[int] | None = None

    def has(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return whether a version has a leaf of which the condition is true."""
        return _some(VERSION_LEAF.c.version_id, self.version_id, condition)

    def least(self, path: str) -> ColumnElement[bytes]:
        """Return the least value at a path, or None."""
        values = select(func.min(VERSION_LEAF.c.key)).where(
            VERSION_LEAF.c.version_id == self.version_id,
            leaf_at(path),
            VERSION_LEAF.c.key < literal(FIRST_MARK),
        )
        return values.correlate_except(VERSION_LEAF, LEAF_PATH).scalar_subquery()


def _some(
    owner: ColumnElement[int], row_id: ColumnElement[int], condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    table = cast("Column[int]", owner).table
    found: Select[int] = (
        select(literal_column("1", Integer)).select_from(table).where(owner == row_id, condition)
    )
    return found.correlate_except(table).exists()


Sortable = ColumnElement[str] | ColumnElement[int] | ColumnElement[bytes]
Field = TextField | NumberField | EnumField | NamesField | LeavesField
