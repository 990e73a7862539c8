"""Statements that go to the driver as they are: walks through the graph, and look-ups of refs.

SQLAlchemy's part in such a statement (its key in a cache, a place for each of many values, a
result and its rows) takes twice the time that SQLite takes. Here the text is made once, many
numbers are one value, and rows are the driver's own tuples.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import driver_under

T = TypeVar("T")
Statement: TypeAlias = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
Row: TypeAlias = Sequence[Any]
Asked: TypeAlias = tuple[Statement, Mapping[str, Value]]
Script: TypeAlias = Generator[Asked, Sequence[Row], T]
"""Yields statements, each with its values, and is sent their rows."""

ROWS_PER_HOP = 1_000
_ROWS_IN_TIME_OF_STATEMENT: Final = 10


async def fetch(
    connection: AsyncConnection,
    statement: Statement,
    values: Mapping[str, Value],
) -> Sequence[Row]:
    """Execute a statement that a module keeps, and return its rows as the driver has them."""
    return await fetch_text(connection, *bound(statement, connection.dialect, values))


async def fetch_text(
    connection: AsyncConnection, sql: str, values: tuple[Value, ...]
) -> Sequence[Row]:
    """Execute a statement that is a text already, and return its rows as the driver has them."""
    cursor = driver_under(connection).cursor()
    try:
        await cursor.execute(sql, values)
    except sqlite3.Error as error:
        raise _as_reported(error, sql) from error
    return await cursor.fetchall()


def _as_reported(error: sqlite3.Error, sql: str) -> DBAPIError:
    """Return an error as SQLAlchemy reports it."""
    return DBAPIError(sql, None, error)


async def converse(connection: AsyncConnection, script: Script[T]) -> T:
    """Execute each statement that a script yields, send it the rows, and return its result.

    The script goes on where the rows are: on the thread of the connection, with one hop there for
    many statements. After many of them, or many rows, the hop ends, so that others get their turn.
    """
    talk = _Talk(script, connection.dialect)
    driver = driver_under(connection)
    while not talk.results:
        try:
            await driver.statement(talk.go_on)
        except sqlite3.Error as error:
            raise _as_reported(error, talk.sql) from error
    return talk.results[0]


class _Talk(Generic[T]):
    """A script under way."""

    def __init__(self, script: Script[T], dialect: Dialect) -> None:
        self._script = script
        self._dialect = dialect
        self._asked: Asked | None = None
        self.sql = ""
        self.results: list[T] = []
        """What the script returned, once it has."""

    def go_on(self, connection: sqlite3.Connection) -> None:
        """Execute some statements. For the thread of the connection."""
        count = 0
        try:
            asked = next(self._script) if self._asked is None else self._asked
            while count < ROWS_PER_HOP:
                self.sql, parameters = bound(asked[0], self._dialect, asked[1])
                rows = connection.execute(self.sql, parameters).fetchall()
                count += len(rows) + _ROWS_IN_TIME_OF_STATEMENT
                asked = self._script.send(rows)
            self._asked = asked
        except StopIteration as end:
            self.results.append(end.value)


def bound(
    statement: Statement, dialect: Dialect, values: Mapping[str, Value]
) -> tuple[str, tuple[Value, ...]]:
    """Return a statement that a module keeps as text, and its values in the order of the text."""
    sql, places = _text(statement, dialect)
    return sql, tuple([values[name] if fixed is None else fixed for name, fixed in places])


@lru_cache(maxsize=256)
def _text(statement: Statement, dialect: Dialect) -> tuple[str, tuple[tuple[str, Value], ...]]:
    """Return a statement as text, and its values in their order: by name, or as they are in it."""
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup or ()
    return str(compiled), tuple((name, compiled.params[name]) for name in names)
