"""Statements that go to the driver as they are: those that a walk through the graph is made of.

SQLAlchemy's part in a statement of a walk (its key in a cache, a place for each of many values, a
result and its rows) takes twice the time that SQLite takes. Here the text is made once, many
numbers are one value, and rows are the driver's own tuples.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine import driver_under


async def fetch(
    connection: AsyncConnection,
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Value],
) -> list[tuple[Any, ...]]:
    """Execute a statement that a module keeps, and return its rows as the driver has them."""
    sql, places = _text(statement, connection.dialect)
    cursor = driver_under(connection).cursor()
    parameters = [values[name] if fixed is None else fixed for name, fixed in places]
    try:
        await cursor.execute(sql, parameters)
    except sqlite3.Error as error:  # as SQLAlchemy reports it
        raise DBAPIError(sql, None, error) from error
    return await cursor.fetchall()


@lru_cache(maxsize=256)
def _text(
    statement: Select[*tuple[Any, ...]], dialect: Dialect
) -> tuple[str, tuple[tuple[str, Value], ...]]:
    """Return a statement as text, and its values in their order: by name, or as they are in it."""
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup or ()
    return str(compiled), tuple((name, compiled.params[name]) for name in names)
