"""The SQLite connection under SQLAlchemy: one hop to its thread for each statement.

aiosqlite's own cursor takes four (make, execute, fetch, close), and each costs 50-80 us. This one
begins the transaction, executes and fetches in a single hop, which halves the time of a read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

import aiosqlite

from hydria_server.domain.errors import StorageUnavailableError

T = TypeVar("T")
Value = str | bytes | int | float | None
_Statement = Callable[[sqlite3.Connection], sqlite3.Cursor]
_DescriptionItem = tuple[str, None, None, None, None, None, None]

IN_MEMORY: Final = ":memory:"
# Every write is on the disk when COMMIT returns (I6); the log stays small enough to read fast.
_PRAGMAS: Final = (
    "busy_timeout = 5000",
    "foreign_keys = ON",
    "synchronous = FULL",
    "journal_size_limit = 67108864",
    "wal_autocheckpoint = 4000",
    # KiB for each connection. More makes nothing faster (4 to 64 MiB, 10,000 of 1 M chunks): what
    # is asked comes sorted, and the operating system caches too.
    "cache_size = -4096",
)


async def connect_writer(path: Path) -> OneHopConnection:
    """Return a connection whose transactions begin with the write lock."""

    def connector() -> sqlite3.Connection:
        connection = _connect(path, "journal_mode = WAL")
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            connection.close()
            raise StorageUnavailableError(
                "the metadata database needs a local disk: on this one, processes share no memory"
            )
        return connection

    return await OneHopConnection(connector, "BEGIN IMMEDIATE").opened()


async def connect_reader(path: Path) -> OneHopConnection:
    """Return a connection that sees one snapshot for each transaction, and cannot write."""
    connector = partial(_connect, path, "query_only = ON")
    return await OneHopConnection(connector, "BEGIN", is_reader=True).opened()


async def connect_in_memory() -> OneHopConnection:
    """Return a connection to a new and empty database of its own."""
    connector = partial(_connect, IN_MEMORY, "journal_mode = MEMORY")
    return await OneHopConnection(connector, "BEGIN IMMEDIATE").opened()


def _connect(database: Path | str, pragma: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        for each in (*_PRAGMAS, pragma):
            connection.execute(f"PRAGMA {each}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


class OneHopConnection(aiosqlite.Connection):
    """An aiosqlite connection whose cursors need one hop, and which begins transactions itself.

    sqlite3's own way to begin them leaves out SELECT and DDL, so it is off
    (`isolation_level=None`): here the first statement of any kind begins one.
    """

    def __init__(
        self, connector: Callable[[], sqlite3.Connection], begin: str, *, is_reader: bool = False
    ) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._begin = begin
        self._is_reader = is_reader
        self._put_off: list[_Statement] = []
        self._thread.daemon = True  # a process that ends in a hurry does not wait for it

    async def opened(self) -> Self:
        """Open the connection, and return it."""
        try:
            _ = await self
        except BaseException:
            # Its thread ends by itself: not before long, but maybe after the loop it reports to.
            await asyncio.to_thread(self._thread.join)
            raise
        return self

    def cursor(self) -> OneHopCursor:  # type: ignore[override]
        return OneHopCursor(self)

    async def hop(self, function: Callable[[sqlite3.Connection], None]) -> None:
        """Run `function` on the thread of the connection."""
        await self._execute(lambda: function(self._conn))  # type: ignore[no-untyped-call]

    def begin_hop(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have `function` run on the thread of the connection; return what will have its result."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(function, self._conn)))
        return done

    def put_off(self, statement: _Statement) -> None:
        """Execute a statement that returns nothing with the next hop of this transaction."""
        self._put_off.append(statement)

    async def commit(self) -> None:
        if self._is_reader:
            self._let_go()
        else:
            put_off, self._put_off = self._put_off, []

            def run(connection: sqlite3.Connection) -> None:
                self._execute_all(connection, put_off)
                connection.commit()

            await self.hop(run)

    async def rollback(self) -> None:
        self._put_off = []
        if self._is_reader:
            self._let_go()
        else:
            await super().rollback()

    def _let_go(self) -> None:
        """End a transaction that read, and wait for nothing: what comes next comes after it."""
        self._tx.put_nowait((None, self._conn.rollback))

    async def statement(self, execute: Callable[[sqlite3.Connection], None]) -> None:
        """Run what executes a statement, after those that were put off, in one hop."""
        put_off, self._put_off = self._put_off, []

        def run(connection: sqlite3.Connection) -> None:
            self._execute_all(connection, put_off)
            self.begin_unless_begun(connection)
            execute(connection)

        await self.hop(run)

    def _execute_all(
        self, connection: sqlite3.Connection, statements: Sequence[_Statement]
    ) -> None:
        for statement in statements:
            self.begin_unless_begun(connection)
            statement(connection).close()

    async def set_pragma(self, pragma: str) -> None:
        """Set a pragma outside of any transaction."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA {pragma}")

        await self.hop(run)

    def begin_unless_begun(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction, if none is open. For the thread of the connection."""
        if not connection.in_transaction:
            connection.execute(self._begin)


class OneHopCursor:
    """A cursor that has all rows in memory as soon as its statement was executed."""

    def __init__(self, connection: OneHopConnection) -> None:
        self._connection = connection
        self._rows: list[tuple[Value, ...]] = []
        self.description: tuple[_DescriptionItem, ...] | None = None
        self.rowcount = -1
        self.is_put_off = False
        """Whether what is executed next returns nothing, and may wait for a hop."""
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> OneHopCursor:
        return self

    async def execute(self, operation: str, parameters: Sequence[Value] = ()) -> None:
        """Execute a statement and fetch all its rows."""
        await self._run(lambda connection: connection.execute(operation, parameters))

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Value]]) -> None:
        """Execute a statement that returns no rows, once for each of `parameters`."""
        await self._run(lambda connection: connection.executemany(operation, parameters))

    async def _run(self, statement: _Statement) -> None:
        if self.is_put_off:
            self._connection.put_off(statement)
        else:
            await self._connection.statement(lambda connection: self._take(statement(connection)))

    async def fetchall(self) -> list[tuple[Value, ...]]:
        """Return all rows of the last statement."""
        return self._rows

    async def close(self) -> None:
        """Do nothing: what could be closed was closed after its statement."""

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
