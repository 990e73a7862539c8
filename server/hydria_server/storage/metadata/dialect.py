"""The few things that the databases spell differently, each in one place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Table,
    Text,
    TypeDecorator,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine

from hydria_server.domain.digest import DIGEST_BYTES
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import PUT_OFF

T = TypeVar("T")

POSTGRESQL: Final = "postgresql"
# SQLite takes 32,766 values in a statement, but the longer it is the longer it takes to prepare.
VALUES_PER_STATEMENT: Final = 500
NUMBERS: Final = "numbers"
NAMES: Final = "names"


def batches(values: Collection[T], size: int = VALUES_PER_STATEMENT) -> Iterator[list[T]]:
    """Yield `values` in groups of at most `size`, such as fit into one statement."""
    remaining = iter(values)
    while group := list(islice(remaining, size)):
        yield group


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can say what happens ON CONFLICT."""
    if dialect == POSTGRESQL:
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_sql(
    statement: sqlite.Insert | postgresql.Insert, columns: Sequence[str], dialect: Dialect
) -> str:
    """Return an INSERT as text, for `insert_rows` with values of `columns` in their order.

    Making and compiling one takes about 2 ms: callers keep it.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    if list(compiled.positiontup or ()) != list(columns):
        raise ValueError(f"the order of the values is {compiled.positiontup}")
    return str(compiled)


async def insert_rows(
    connection: AsyncConnection, sql: str, rows: Sequence[tuple[Value, ...]]
) -> None:
    """Execute an INSERT for many rows.

    They go to the driver as they are; SQLAlchemy's handling of each value takes thrice the time.
    """
    await connection.exec_driver_sql(sql, list(rows), PUT_OFF)


class Digests(TypeDecorator[Collection[bytes]]):
    """Any number of digests as one value of a statement."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that carries them: an array where there is one, else their bytes."""
        if dialect.name == POSTGRESQL:
            return dialect.type_descriptor(postgresql.ARRAY(LargeBinary))
        return dialect.type_descriptor(LargeBinary())

    def process_bind_param(
        self, value: Collection[bytes] | None, dialect: Dialect
    ) -> list[bytes] | bytes:
        """Return the digests in order, which is the order of the rows to be found."""
        ordered = sorted(value or ())
        return ordered if dialect.name == POSTGRESQL else b"".join(ordered)


@cache
def given_digests(dialect: str) -> FromClause:
    """Return what to join with: one row with the column `digest` for each of the bound `digests`.

    One statement and one value for all of them, where IN would need a place for each.
    """
    given = bindparam("digests", type_=Digests())
    if dialect == POSTGRESQL:
        return func.unnest(given, type_=LargeBinary).table_valued("digest").render_derived()
    first = select(literal_column("0", Integer).label("i")).cte("position", recursive=True)
    rest = select(first.c.i + 1).where((first.c.i + 1) * DIGEST_BYTES < func.length(given))
    position = first.union_all(rest)
    digest = func.substr(given, position.c.i * DIGEST_BYTES + 1, DIGEST_BYTES, type_=LargeBinary)
    return select(digest.label("digest")).select_from(position).subquery("given")


class _Elements(GenericFunction[str]):
    name = "elements_of_json"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_on_sqlite(element: _Elements, compiler: SQLCompiler, **options: object) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, POSTGRESQL)
def _elements_on_postgresql(element: _Elements, compiler: SQLCompiler, **options: object) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


def is_one_of_numbers(column: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the numbers that are given as one value."""
    elements = _Elements(bindparam(NUMBERS)).table_valued("value").alias("given")
    return column.in_(select(cast(elements.c.value, BigInteger)))


def given_numbers(numbers: Collection[int]) -> dict[str, Value]:
    """Return the one value that any number of numbers are, by its name."""
    return {NUMBERS: f"[{','.join(map(str, numbers))}]"}


def is_one_of_names(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the names that are given as one value."""
    elements = _Elements(bindparam(NAMES)).table_valued("value").alias("given")
    return column.in_(select(cast(elements.c.value, Text)))


def given_names(names: Collection[str]) -> dict[str, Value]:
    """Return the one value that any number of names are, by its name."""
    return {NAMES: json.dumps(list(names))}


class Names(TypeDecorator[tuple[str, ...]]):
    """Names that a statement gathered into one JSON array; each once, sorted: databases differ."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Return the sorted names."""
        return names_in(value)


def names_in(gathered_names: str | None) -> tuple[str, ...]:
    """Return the names that a statement gathered, sorted: databases differ."""
    if not gathered_names or gathered_names == "[]":  # of most rows, and quickly said
        return ()
    return tuple(sorted(set(json.loads(gathered_names))))


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


class _JsonText(GenericFunction[str]):
    name = "json_text"
    type = Text()
    inherit_cache = True


@compiles(_JsonText, "sqlite")
def _json_text_on_sqlite(element: _JsonText, compiler: SQLCompiler, **options: object) -> str:
    document, key = [compiler.process(clause, **options) for clause in element.clauses]
    return f"json_extract({document}, '$.' || {key})"


@compiles(_JsonText, POSTGRESQL)
def _json_text_on_postgresql(element: _JsonText, compiler: SQLCompiler, **options: object) -> str:
    document, key = [compiler.process(clause, **options) for clause in element.clauses]
    return f"(CAST({document} AS JSON) ->> CAST({key} AS TEXT))"


def json_text(document: ColumnElement[str], key: str) -> ColumnElement[str]:
    """Return the text that a JSON object has under `key`; NULL where it has none."""
    return _JsonText(document, key)


def byte_length(text: ColumnElement[str]) -> ColumnElement[int]:
    """Return the size of a text in bytes."""
    return _ByteLength(text)


def gathered(
    name: Column[str], *, where: Column[int], equals: ColumnElement[int]
) -> ColumnElement[tuple[str, ...]]:
    """Return the names of all rows of a table with `where == equals`, as one value."""
    return gathered_where(name, lambda rows: rows.c[where.name] == equals)


def gathered_where(
    name: Column[str], condition: Callable[[FromClause], ColumnElement[bool]]
) -> ColumnElement[tuple[str, ...]]:
    """Return the names of all rows of a table that meet a condition, as one value."""
    rows = name.table.alias()  # another name for it, for the row around may join the same table
    names = select(_GatherNames(rows.c[name.name])).where(condition(rows))
    return names.correlate_except(rows).scalar_subquery()


def may_match(text: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Return the condition for a range of an index, with all texts that `pattern` stands for."""
    prefix, star, _rest = pattern.partition("*")
    if not star:
        return text == pattern
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return text >= prefix
    last = ord(stem[-1])
    beyond = stem[:-1] + ("\ue000" if last == 0xD7FF else chr(last + 1))
    return and_(text >= prefix, text < beyond)


def key_text(connection: AsyncConnection, key: ColumnElement[bytes]) -> ColumnElement[str]:
    """Return what follows the first byte of a key, as a text."""
    if connection.dialect.name == POSTGRESQL:
        return func.convert_from(func.substr(key, 2), "UTF8", type_=Text)
    return cast(func.substr(key, 2), Text)


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
