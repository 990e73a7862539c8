"""A parsed filter and order, as values: made by the services, compiled by the storage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

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


Filter = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One field to sort by."""

    field: str
    descending: bool = False


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
