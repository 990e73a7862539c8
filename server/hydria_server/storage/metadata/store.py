"""The metadata store on SQLite: a file, or memory for tests."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.dialect import insert
from hydria_server.storage.metadata.driver import (
    connect_in_memory,
    connect_reader,
    connect_writer,
)
from hydria_server.storage.metadata.engine import Lane, driver_of
from hydria_server.storage.metadata.failures import is_disk_error, translated
from hydria_server.storage.metadata.interface import OnEvents, Rows
from hydria_server.storage.metadata.migration import upgrade
from hydria_server.storage.metadata.rows import SqlRows
from hydria_server.storage.metadata.single_reads import Reads, SharedReads, SingleReads
from hydria_server.storage.metadata.tables import STORE
from hydria_server.storage.metadata.version_look_ups import SqlVersionLookUps

T = TypeVar("T")
Work = Callable[[Rows], Awaitable[T]]
Failpoint = Callable[[str], None]
OnFatal = Callable[[BaseException], None]

READERS: Final = 4
FIRST_EPOCH: Final = 1
BLAKE3_256: Final = 1  # as DigestFunction on the wire

_log = logging.getLogger("hydria.metadata")


def _no_failpoint(_name: str) -> None:
    pass


def _not_told(_error: BaseException) -> None:
    pass


class SqlMetadataStore:
    """Transactions on a lane for one writer, and a wider one for readers beside it.

    Look-ups have a connection of their own, so that they wait neither for a writer nor for readers
    of much.

    After an error of the disk in a write the store takes no more writes: a failed sync is fatal,
    and never tried again. What that one write changed is not to be seen, but nobody can know
    whether it will be there when the database is opened again.
    """

    def __init__(
        self,
        writer: Lane,
        reader: Lane,
        single: Reads,
        *,
        on_fatal: OnFatal,
        failpoint: Failpoint,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._single = single
        self.look_ups = SqlVersionLookUps(single.first, reader.dialect)
        self._on_fatal = on_fatal
        self._failpoint = failpoint
        self._disk_failed = False
        self._listeners: list[OnEvents] = []

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        on_fatal: OnFatal = _not_told,
        failpoint: Failpoint = _no_failpoint,
    ) -> Self:
        """Open the database at `path`, made if need be, and bring its schema up to date.

        `on_fatal` is called once, when the disk failed and no more writes are taken; `failpoint`
        at "metadata.before_commit" and "metadata.after_commit" of every transaction, and once
        more with its maker's name, as in "metadata.before_commit@Aliases.update".

        Raises:
            NewerSchemaError: a newer release wrote it.
            StorageFullError: there is no room to make it.
            StorageUnavailableError: it cannot be opened, or is no database of Hydria's.
        """
        with translated():
            writer = await Lane.open(partial(connect_writer, path), width=1)
            try:
                await writer.run(_prepare)
                reader = await Lane.open(partial(connect_reader, path), width=READERS)
                try:
                    single = SingleReads(await connect_reader(path))
                except BaseException:
                    await reader.close()
                    raise
            except BaseException:
                await writer.close()
                raise
        return cls(writer, reader, single, on_fatal=on_fatal, failpoint=failpoint)

    @classmethod
    async def open_in_memory(cls, *, failpoint: Failpoint = _no_failpoint) -> Self:
        """Open a new, empty database that ends with `close`: for tests.

        It has one connection, so that reads wait for writes.
        """
        lane = await Lane.open(connect_in_memory, width=1)
        await lane.run(_prepare)
        shared = SharedReads(lane)
        return cls(lane, lane, shared, on_fatal=_not_told, failpoint=failpoint)

    async def read(self, work: Work[T]) -> T:
        transaction = self._read_on_shared if self._reader is self._writer else self._read
        return await self._reader.run(lambda connection: transaction(work, connection))

    async def _read(self, work: Work[T], connection: AsyncConnection) -> T:
        with translated():
            async with connection.begin():
                return await work(SqlRows(connection))

    async def _read_on_shared(self, work: Work[T], connection: AsyncConnection) -> T:
        """Read on the connection that also writes."""
        async with connection.begin():
            await connection.execute(text("PRAGMA query_only = ON"))
            try:
                return await work(SqlRows(connection))
            finally:
                await connection.execute(text("PRAGMA query_only = OFF"))

    async def write(self, work: Work[T]) -> T:
        return await self._writer.run(lambda connection: self._write(work, connection))

    async def _write(self, work: Work[T], connection: AsyncConnection) -> T:
        if self._disk_failed:
            raise StorageUnavailableError("the metadata store is read-only since its disk failed")
        try:
            with translated():
                async with connection.begin():
                    rows = SqlRows(connection)
                    result = await work(rows)
                    self._reached("metadata.before_commit", work)
        except StorageUnavailableError as error:
            if is_disk_error(error):
                self._disk_failed = True
                self._on_fatal(error)
            raise
        self._tell(rows)  # before the next transaction begins, so in the order of the commits
        self._reached("metadata.after_commit", work)
        return result

    def on_events(self, tell: OnEvents) -> None:
        self._listeners.append(tell)

    def _tell(self, rows: SqlRows) -> None:
        for entity_id, events in rows.recorded:
            for tell in self._listeners:
                try:
                    tell(entity_id, events)
                except Exception:  # noqa: BLE001 - what is committed does not fail any more
                    _log.exception("a listener to events failed")

    def _reached(self, step: str, work: Work[T]) -> None:
        self._failpoint(step)
        self._failpoint(f"{step}@{maker_of(work)}")

    async def close(self) -> None:
        await self._single.close()
        await self._reader.close()
        await self._writer.close()


def maker_of(work: Callable[..., object]) -> str:
    """Return the name of the method or function that made a transaction: `Aliases.update`."""
    return getattr(work, "__qualname__", "").partition(".<locals>")[0]


async def _prepare(connection: AsyncConnection) -> None:
    """Bring the schema up to date, and write the row of the store."""
    driver = await driver_of(connection)
    # A migration may have to make a table anew: SQLite can do that only without foreign keys.
    await driver.set_pragma("foreign_keys = OFF")
    async with connection.begin():
        if await connection.run_sync(upgrade):
            dangling = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if dangling:
                raise RuntimeError(f"a migration left dangling references: {dangling[:3]}")
        store = insert(connection.dialect.name, STORE).values(
            id=1, store_id=uuid.uuid4().hex, epoch=FIRST_EPOCH, digest_function=BLAKE3_256
        )
        await connection.execute(store.on_conflict_do_nothing())
    await driver.set_pragma("foreign_keys = ON")
