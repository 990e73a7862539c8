"""A parsed filter and order, as values: made by the services, compiled by the storage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Operator(StrEnum):
    """How a field is compared. HAS asks whether a repeated field contains the value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    HAS = ":"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`. Numbers and times (microseconds) come as int, names as str.

    A `*` in a str value of EQ, NE or HAS stands for any text.
    """

    field: str
    operator: Operator
    value: str | int


@dataclass(frozen=True, slots=True)
class LeafComparison:
    """One of the values at a path of the metadata compares with a value of its kind.

    `path` and `key` are as in `domain.leaves`. Only EQ, LT, LE, GT and GE.
    """

    path: str
    operator: Operator
    key: bytes


@dataclass(frozen=True, slots=True)
class LeafPattern:
    """One of the values at a path of the metadata is a text that a pattern with `*` stands for."""

    path: str
    pattern: str


@dataclass(frozen=True, slots=True)
class LeafPresence:
    """The metadata has something at a path."""

    path: str


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    term: Filter


LeafFilter = LeafComparison | LeafPattern | LeafPresence
Filter = Comparison | LeafFilter | And | Or | Not

METADATA_FIELD: Final = "metadata"


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One field to sort by; of METADATA_FIELD the least value at a path, rows without it last."""

    field: str
    descending: bool = False
    path: str = ""


# The sort keys of the last row of a page, its id last: where the next page begins.
Cursor = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows, in which order, from where, and how many."""

    filter: Filter | None
    order: tuple[OrderTerm, ...]
    after: Cursor | None
    limit: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and where the next ones begin (None: there are no more)."""

    items: tuple[T, ...]
    next_cursor: Cursor | None
