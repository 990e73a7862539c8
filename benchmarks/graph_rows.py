"""A large graph of lineage, written into the database of a store that nobody serves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

FAN_OUT = 6  # each version is used by so many runs, each of which logs one version

Row = dict[str, object]


def grow(database: Path, count: int) -> None:
    """Make a tree of `count` versions and as many runs out of the first of each in the store.

    Run i logged version i, and used version (i - 1) // FAN_OUT.
    """
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        version, run = _first(connection, "version"), _first(connection, "run")
        document = _first(connection, "run_document")
        numbers = range(1, count)
        _insert(connection, "version", (_version(version, number) for number in numbers))
        _insert(connection, "run", (_run(run, number) for number in numbers))
        documents = (document | {"run_id": _id(run, number)} for number in numbers)
        _insert(connection, "run_document", documents)
        _insert(connection, "lineage_edge", _edges(version, run, count))
        connection.execute("ANALYZE")
    connection.close()


def _first(connection: sqlite3.Connection, table: str) -> Row:
    return dict(connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())


def _insert(
    connection: sqlite3.Connection, table: str, rows: Iterator[Mapping[str, object]]
) -> None:
    first = next(rows)
    columns = ", ".join(first)
    places = ", ".join(f":{column}" for column in first)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _version(first: Row, number: int) -> Row:
    digest = number.to_bytes(32, "big")
    return first | {"id": _id(first, number), "number": number, "digest": digest}


def _run(first: Row, number: int) -> Row:
    unique = {"run_id": f"run{number}", "number": number + 1, "request_id": ""}
    return first | {"id": _id(first, number)} | unique


def _edges(version: Row, run: Row, count: int) -> Iterator[Row]:
    for number in range(1, count):
        ends: Row = {"run_id": _id(run, number), "from_version_id": None, "recorded_at_us": number}
        words: Row = {"recorded_ref": "", "requested_ref": ""}
        source = _id(version, (number - 1) // FAN_OUT)
        yield ends | words | {"kind": 1, "version_id": source}
        yield ends | words | {"kind": 2, "version_id": _id(version, number)}


def _id(first: Row, number: int) -> int:
    return int(str(first["id"])) + number
