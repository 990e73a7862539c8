"""The chunk index of each domain, and which files were verified from which chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Select,
    SmallInteger,
    bindparam,
    case,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from hydria_server.domain.chunks import ChunkState, Location, StoredChunk
from hydria_server.storage.metadata.dialect import (
    batches,
    given_digests,
    insert,
    insert_rows,
    insert_sql,
)
from hydria_server.storage.metadata.engine_rows import IndexedChunk
from hydria_server.storage.metadata.engine_tables import CHUNK, VERIFIED_FILE

# The event loop makes the records of a statement's rows in one go: 2,000 take about 5 ms.
DIGESTS_PER_STATEMENT: Final = 2_000

_LIVE = literal_column(str(ChunkState.LIVE.value), SmallInteger)
_STATES = {state.value: state for state in ChunkState}
_BYTES = (CHUNK.c.size_bytes, CHUNK.c.pack_id, CHUNK.c.pack_offset, CHUNK.c.stored_bytes)
_PUT = (
    "domain_id", "digest", "state", "touch_epoch",
    "size_bytes", "pack_id", "pack_offset", "stored_bytes",
)  # fmt: skip
_REMEMBER = ("domain_id", "content_digest", "chunk_list_digest")


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is asked about many digests at once."""

    find: Select[*tuple[Any, ...]]
    live_epochs: Select[*tuple[Any, ...]]
    touch: ReturningUpdate[*tuple[Any, ...]]
    verified: Select[*tuple[Any, ...]]


@cache
def _statements(dialect: str) -> _Statements:
    given = given_digests(dialect)
    among = (CHUNK.c.domain_id == bindparam("in_domain"), CHUNK.c.digest == given.c.digest)
    live = (*among, CHUNK.c.state == _LIVE)
    return _Statements(
        find=select(CHUNK.c.digest, CHUNK.c.state, CHUNK.c.touch_epoch, *_BYTES).where(*among),
        live_epochs=select(CHUNK.c.digest, CHUNK.c.touch_epoch).where(*live),
        touch=update(CHUNK)
        .where(*live)
        .values(touch_epoch=bindparam("epoch"))
        .returning(CHUNK.c.digest),
        verified=select(VERIFIED_FILE.c.content_digest, VERIFIED_FILE.c.chunk_list_digest).where(
            VERIFIED_FILE.c.domain_id == bindparam("in_domain"),
            VERIFIED_FILE.c.content_digest == given.c.digest,
        ),
    )


class SqlChunks:
    """Rows of chunks, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name)

    async def find(self, domain_id: int, digests: Sequence[bytes]) -> dict[bytes, IndexedChunk]:
        found: dict[bytes, IndexedChunk] = {}
        for group in _groups(digests):
            rows = await self._connection.execute(
                self._statements.find, {"in_domain": domain_id, "digests": group}
            )
            for digest, state, touch_epoch, size, pack_id, offset, stored in rows:
                chunk = StoredChunk(digest, size, Location(pack_id, offset, stored))
                found[digest] = IndexedChunk(chunk, _STATES[state], touch_epoch)
        return found

    async def touch(self, domain_id: int, digests: Sequence[bytes], *, epoch: int) -> set[bytes]:
        live: set[bytes] = set()
        for group in _groups(digests):
            live |= await self._touch(domain_id, group, epoch=epoch)
        return live

    async def _touch(self, domain_id: int, digests: list[bytes], *, epoch: int) -> set[bytes]:
        """Write only the rows that need it: within one epoch a row is touched once."""
        rows = await self._connection.execute(
            self._statements.live_epochs, {"in_domain": domain_id, "digests": digests}
        )
        epochs: dict[bytes, int] = dict(rows.all())
        live = {digest for digest, touched in epochs.items() if touched >= epoch}
        stale = [digest for digest, touched in epochs.items() if touched < epoch]
        if stale:
            touched = await self._connection.execute(
                self._statements.touch, {"in_domain": domain_id, "digests": stale, "epoch": epoch}
            )
            live.update(touched.scalars())
        return live

    async def put(self, domain_id: int, chunks: Sequence[StoredChunk], *, epoch: int) -> None:
        live = ChunkState.LIVE.value
        rows = [
            (domain_id, chunk.digest, live, epoch, chunk.size_bytes, *_place(chunk.location))
            for chunk in chunks
        ]
        if rows:
            rows.sort()  # neighbours in the index are written together
            await insert_rows(self._connection, _put_sql(self._connection.dialect), rows)

    async def mark_corrupt(self, domain_id: int, chunk: StoredChunk) -> None:
        await self._connection.execute(
            update(CHUNK)
            .where(
                CHUNK.c.domain_id == domain_id,
                CHUNK.c.digest == chunk.digest,
                CHUNK.c.state == _LIVE,
                CHUNK.c.pack_id == chunk.location.pack_id,
                CHUNK.c.pack_offset == chunk.location.offset,
            )
            .values(state=ChunkState.CORRUPT.value)
        )

    async def verified_files(
        self, domain_id: int, files: Collection[tuple[bytes, bytes]]
    ) -> set[tuple[bytes, bytes]]:
        asked = set(files)
        verified: set[tuple[bytes, bytes]] = set()
        for group in _groups([content_digest for content_digest, _ in asked]):
            rows = await self._connection.execute(
                self._statements.verified, {"in_domain": domain_id, "digests": group}
            )
            verified.update(asked.intersection(tuple(row) for row in rows))
        return verified

    async def remember_verified(
        self, domain_id: int, files: Collection[tuple[bytes, bytes]]
    ) -> None:
        rows = sorted((domain_id, content, chunk_list) for content, chunk_list in files)
        if rows:
            await insert_rows(self._connection, _remember_sql(self._connection.dialect), rows)


@lru_cache(maxsize=8)
def _put_sql(dialect: Dialect) -> str:
    return insert_sql(_upsert(insert(dialect.name, CHUNK)), _PUT, dialect)


@lru_cache(maxsize=8)
def _remember_sql(dialect: Dialect) -> str:
    statement = insert(dialect.name, VERIFIED_FILE).on_conflict_do_nothing()
    return insert_sql(statement, _REMEMBER, dialect)


def _place(location: Location) -> tuple[str, int, int]:
    return location.pack_id, location.offset, location.stored_bytes


def _groups(digests: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the different ones among `digests`, in groups for one statement each."""
    return batches(set(digests), DIGESTS_PER_STATEMENT)


def _upsert(
    statement: sqlite.Insert | postgresql.Insert,
) -> sqlite.Insert | postgresql.Insert:
    """I1: a row that is LIVE keeps its bytes; any other gets the new ones, which are synced."""
    new = statement.excluded

    def unless_live(column: Column[object]) -> ColumnElement[object]:
        return case((CHUNK.c.state == _LIVE, column), else_=new[column.name])

    return statement.on_conflict_do_update(
        index_elements=CHUNK.primary_key.columns,
        set_={
            **{column.name: unless_live(column) for column in _BYTES},
            "state": _LIVE,
            "condemned_epoch": null(),
            "touch_epoch": case(
                (CHUNK.c.touch_epoch > new.touch_epoch, CHUNK.c.touch_epoch),
                else_=new.touch_epoch,
            ),
        },
    )
