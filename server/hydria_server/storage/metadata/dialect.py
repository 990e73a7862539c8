"""The few things that the databases spell differently, each in one place."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import Column, ColumnElement, Integer, Table, Text, TypeDecorator, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

T = TypeVar("T")

POSTGRESQL: Final = "postgresql"
# SQLite takes 32,766 values in a statement, but the longer it is the longer it takes to prepare.
VALUES_PER_STATEMENT: Final = 500


def batches(values: Collection[T]) -> Iterator[list[T]]:
    """Yield `values` in groups that fit into one statement."""
    remaining = iter(values)
    while group := list(islice(remaining, VALUES_PER_STATEMENT)):
        yield group


def insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can say what happens ON CONFLICT."""
    if connection.dialect.name == POSTGRESQL:
        return postgresql.insert(table)
    return sqlite.insert(table)


class Names(TypeDecorator[tuple[str, ...]]):
    """Names that a statement gathered into one JSON array; sorted, for databases differ."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Return the sorted names."""
        return tuple(sorted(json.loads(value))) if value else ()


class _GatherNames(GenericFunction[tuple[str, ...]]):
    name = "gather_names"
    type = Names()
    inherit_cache = True


@compiles(_GatherNames, "sqlite")
def _gather_on_sqlite(element: _GatherNames, compiler: SQLCompiler, **options: object) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(_GatherNames, POSTGRESQL)
def _gather_on_postgresql(element: _GatherNames, compiler: SQLCompiler, **options: object) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


class _ByteLength(GenericFunction[int]):
    name = "byte_length"
    type = Integer()
    inherit_cache = True


@compiles(_ByteLength, "sqlite")
def _length_on_sqlite(element: _ByteLength, compiler: SQLCompiler, **options: object) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(_ByteLength, POSTGRESQL)
def _length_on_postgresql(element: _ByteLength, compiler: SQLCompiler, **options: object) -> str:
    return f"octet_length({compiler.process(element.clauses, **options)})"


def byte_length(text: ColumnElement[str]) -> ColumnElement[int]:
    """Return the size of a text in bytes."""
    return _ByteLength(text)


def gathered(
    name: Column[str], *, where: Column[int], equals: ColumnElement[int]
) -> ColumnElement[tuple[str, ...]]:
    """Return the names of all rows of a table with `where == equals`, as one value."""
    rows = name.table.alias()  # another name for it, for the row around may join the same table
    names = select(_GatherNames(rows.c[name.name])).where(rows.c[where.name] == equals)
    return names.correlate_except(rows).scalar_subquery()


def matches(
    connection: AsyncConnection, text: ColumnElement[str], pattern: str
) -> ColumnElement[bool]:
    """Tell whether `text` is `pattern`, in which `*` stands for any text, and case matters."""
    if "*" not in pattern:
        return text == pattern
    if connection.dialect.name == POSTGRESQL:
        like = re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")
        return text.like(like, escape="\\")
    return text.op("GLOB", is_comparison=True)(re.sub(r"([?\[])", r"[\1]", pattern))
