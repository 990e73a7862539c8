"""Reads of one statement each, with a hop to the connection's thread and nothing beside it.

A SELECT is a snapshot of its own: it needs neither BEGIN nor COMMIT. Who asks while others are
being answered is answered together with everybody else who did, in the next hop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.direct import Row, fetch_text
from hydria_server.storage.metadata.driver import OneHopConnection, Value
from hydria_server.storage.metadata.engine import Lane
from hydria_server.storage.metadata.failures import translated

Values: TypeAlias = tuple[Value, ...]
First: TypeAlias = Callable[[str, Values], Awaitable[Row | None]]


@dataclass(frozen=True, slots=True)
class _Question:
    sql: str
    values: Values
    row: asyncio.Future[Row | None]


class Reads(Protocol):
    """Reads of one statement each."""

    async def first(self, sql: str, values: Values) -> Row | None:
        """Return the first row of a SELECT, of all that was committed before; None without any.

        Raises:
            StorageUnavailableError: the database cannot be read, or is closed.
        """
        ...

    async def close(self) -> None:
        """Take no more questions, and leave nobody without an answer. Idempotent."""
        ...


def first_in(connection: AsyncConnection) -> First:
    """Return what reads first rows in the transaction of a connection."""

    async def first(sql: str, values: Values) -> Row | None:
        rows = await fetch_text(connection, sql, values)
        return rows[0] if rows else None

    return first


class SharedReads:
    """Reads on the one connection of a lane, which writes, too."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def first(self, sql: str, values: Values) -> Row | None:
        async def look(connection: AsyncConnection) -> Row | None:
            async with connection.begin():
                return await first_in(connection)(sql, values)

        return await self._lane.run(look)

    async def close(self) -> None:
        """Do nothing: the lane refuses by itself, once it is closed."""


class SingleReads:
    """Reads on a connection that nothing else uses: there, no transaction is ever open."""

    def __init__(self, connection: OneHopConnection) -> None:
        self._connection = connection
        self._asked: list[_Question] = []
        self._is_answering = False
        self._closed = False

    async def first(self, sql: str, values: Values) -> Row | None:
        if self._closed:
            raise StorageUnavailableError("the metadata store is closed")
        loop = asyncio.get_running_loop()
        question = _Question(sql, values, loop.create_future())
        self._asked.append(question)
        if not self._is_answering:
            self._is_answering = True
            loop.call_soon(self._answer)  # with those who ask in this turn of the loop
        with translated():
            return await question.row

    def _answer(self) -> None:
        """Have all questions so far answered in one hop."""
        asked, self._asked = self._asked, []
        self._is_answering = bool(asked)
        if asked:
            hop = self._connection.begin_hop(partial(_answers, asked))
            hop.add_done_callback(partial(self._tell, asked))

    def _tell(self, asked: Sequence[_Question], hop: asyncio.Future[list[_Answer]]) -> None:
        for question, answer in zip(asked, hop.result(), strict=True):
            if question.row.done():
                continue  # who asked was cancelled
            if isinstance(answer, Exception):
                question.row.set_exception(answer)
            else:
                question.row.set_result(answer)
        self._answer()

    async def close(self) -> None:
        self._closed = True
        self._answer()
        await self._connection.close()


_Answer: TypeAlias = Row | Exception | None


def _answers(asked: Sequence[_Question], connection: sqlite3.Connection) -> list[_Answer]:
    """Return the answers, on the thread of the connection."""
    answers: list[_Answer] = []
    for question in asked:
        try:
            # All rows: with the last one the statement ends, and its snapshot.
            rows = connection.execute(question.sql, question.values).fetchall()
            answers.append(rows[0] if rows else None)
        except Exception as error:  # noqa: BLE001 - it is raised where the question was asked
            answers.append(error)
    return answers
