"""Statements that go to the driver as they are: walks through the graph, and look-ups of refs.

SQLAlchemy's part in such a statement (its key in a cache, a place for each of many values, a
result and its rows) takes twice the time that SQLite takes. Here the text is made once, many
numbers are one value, and rows are the driver's own tuples.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import driver_under

Statement: TypeAlias = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


async def fetch(
    connection: AsyncConnection,
    statement: Statement,
    values: Mapping[str, Value],
) -> list[tuple[Any, ...]]:
    """Execute a statement that a module keeps, and return its rows as the driver has them."""
    sql, parameters = bound(statement, connection.dialect, values)
    cursor = driver_under(connection).cursor()
    try:
        await cursor.execute(sql, parameters)
    except sqlite3.Error as error:  # as SQLAlchemy reports it
        raise DBAPIError(sql, None, error) from error
    return await cursor.fetchall()


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
