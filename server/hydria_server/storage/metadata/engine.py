"""Lanes to the database: some connections, and the transactions under way on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import cache
from typing import Final, Self, TypeVar

from sqlalchemy import event
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.engine import Dialect, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.driver import OneHopConnection, OneHopCursor

T = TypeVar("T")
_PUT_OFF_NAME: Final = "hydria_put_off"
PUT_OFF: Final = {_PUT_OFF_NAME: True}
"""The execution options of a statement that returns nothing, and of which nothing is asked, not
even how many rows it changed: it waits for the next statement, or the commit, to share its hop."""
Transaction = Callable[[AsyncConnection], Awaitable[T]]
Connect = Callable[[], Awaitable[object]]

_COMPILED_MAX: Final = 1000  # filters of all shapes among them
_connect: ContextVar[Connect] = ContextVar("_connect")
"""How whoever runs now connects: to open a lane, or because SQLAlchemy gave a connection up."""


@cache
def shared_engine() -> AsyncEngine:
    """Return the one engine of this process, which keeps what statements compile to.

    Compiling one takes 1 to 2 ms, and all lanes ask the same ones. It holds no connections.
    """

    def creator(*_arguments: object, **_options: object) -> Awaitable[object]:
        return _connect.get()()

    engine = create_async_engine(
        "sqlite+aiosqlite://",
        poolclass=NullPool,
        connect_args={"async_creator_fn": creator},
        query_cache_size=_COMPILED_MAX,
    )
    for kind in ("do_execute", "do_executemany"):
        event.listen(engine.sync_engine, kind, _put_off_if_asked)
    return engine


def _put_off_if_asked(
    cursor: AsyncAdapt_dbapi_cursor, _sql: str, _parameters: object, context: ExecutionContext
) -> None:
    if context.execution_options.get(_PUT_OFF_NAME):
        driver_cursor: object = cursor._cursor  # noqa: SLF001 - there is no other way to it
        assert isinstance(driver_cursor, OneHopCursor)
        driver_cursor.is_put_off = True


class Lane:
    """A fixed number of connections, for as many transactions at a time.

    - Turns are taken in the order of asking. Who is cancelled while waiting gives up the turn, and
      nothing was begun.
    - A transaction that has begun ends by itself, whatever becomes of the caller: it runs in a
      task of its own, and only its outcome decides between commit and rollback.
    """

    def __init__(self, connect: Connect, connections: list[AsyncConnection]) -> None:
        self._connect = connect
        self._idle = connections
        self._turns = asyncio.Semaphore(len(connections))
        self._running: set[asyncio.Task[object]] = set()
        self._closed = False

    @classmethod
    async def open(cls, connect: Connect, *, width: int) -> Self:
        """Return a lane of `width` connections, all of them open."""
        _connect.set(connect)
        connections: list[AsyncConnection] = []
        try:
            while len(connections) < width:
                connections.append(await shared_engine().connect())
        except BaseException:
            for connection in connections:
                await connection.close()
            raise
        return cls(connect, connections)

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
        return shared_engine().dialect

    async def run(self, transaction: Transaction[T]) -> T:
        """Run `transaction` on a connection, and return what it returns.

        Raises:
            StorageUnavailableError: the lane is closed.
        """
        await self._turns.acquire()
        if self._closed:
            self._turns.release()
            raise StorageUnavailableError("the metadata store is closed")
        task = asyncio.create_task(self._run(transaction))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _run(self, transaction: Transaction[T]) -> T:
        connection = self._idle.pop()
        _connect.set(self._connect)
        try:
            return await transaction(connection)
        except BaseException:
            await _leave_transaction(connection)
            raise
        finally:
            self._idle.append(connection)
            self._turns.release()

    async def close(self) -> None:
        """Begin nothing more, wait for what has begun, and close the connections."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        while self._idle:
            await self._idle.pop().close()


async def _leave_transaction(connection: AsyncConnection) -> None:
    """Roll back what SQLAlchemy may take for ended: after a COMMIT that failed, it is not."""
    if not connection.invalidated:
        await (await driver_of(connection)).rollback()


def driver_under(connection: AsyncConnection) -> OneHopConnection:
    """Return the connection under one of SQLAlchemy's that is in a transaction."""
    assert connection.sync_connection is not None
    driver = connection.sync_connection.connection.driver_connection
    assert isinstance(driver, OneHopConnection)
    return driver


async def driver_of(connection: AsyncConnection) -> OneHopConnection:
    """Return the connection under SQLAlchemy's."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, OneHopConnection)
    return driver
