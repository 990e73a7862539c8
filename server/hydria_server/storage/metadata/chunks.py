"""The chunk index of each domain, and which files were verified from which chunks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Column, ColumnElement, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.chunks import ChunkState, Location, StoredChunk
from hydria_server.storage.metadata.dialect import batches, insert
from hydria_server.storage.metadata.engine_rows import IndexedChunk
from hydria_server.storage.metadata.engine_tables import CHUNK, VERIFIED_FILE

_LIVE = ChunkState.LIVE.value
_AMONG = (
    CHUNK.c.domain_id == bindparam("in_domain"),
    CHUNK.c.digest.in_(bindparam("digests", expanding=True)),
)
_FIND = select(
    CHUNK.c.digest,
    CHUNK.c.state,
    CHUNK.c.touch_epoch,
    CHUNK.c.size_bytes,
    CHUNK.c.pack_id,
    CHUNK.c.pack_offset,
    CHUNK.c.stored_bytes,
).where(*_AMONG)
_LIVE_EPOCHS = select(CHUNK.c.digest, CHUNK.c.touch_epoch).where(*_AMONG, CHUNK.c.state == _LIVE)
_TOUCH = (
    update(CHUNK)
    .where(*_AMONG, CHUNK.c.state == _LIVE)
    .values(touch_epoch=bindparam("epoch"))
    .returning(CHUNK.c.digest)
)
_VERIFIED = select(VERIFIED_FILE.c.content_digest, VERIFIED_FILE.c.chunk_list_digest).where(
    VERIFIED_FILE.c.domain_id == bindparam("in_domain"),
    VERIFIED_FILE.c.content_digest.in_(bindparam("digests", expanding=True)),
)
_PLACE = (CHUNK.c.size_bytes, CHUNK.c.pack_id, CHUNK.c.pack_offset, CHUNK.c.stored_bytes)


class SqlChunks:
    """Rows of chunks, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, domain_id: int, digests: Sequence[bytes]) -> dict[bytes, IndexedChunk]:
        found: dict[bytes, IndexedChunk] = {}
        for group in batches(digests):
            rows = await self._connection.execute(_FIND, {"in_domain": domain_id, "digests": group})
            for digest, state, touch_epoch, size, pack_id, offset, stored in rows:
                chunk = StoredChunk(digest, size, Location(pack_id, offset, stored))
                found[digest] = IndexedChunk(chunk, ChunkState(state), touch_epoch)
        return found

    async def touch(self, domain_id: int, digests: Sequence[bytes], *, epoch: int) -> set[bytes]:
        live: set[bytes] = set()
        for group in batches(digests):
            live |= await self._touch(domain_id, group, epoch=epoch)
        return live

    async def _touch(self, domain_id: int, digests: list[bytes], *, epoch: int) -> set[bytes]:
        """Write only the rows that need it: within one epoch a row is touched once."""
        rows = await self._connection.execute(
            _LIVE_EPOCHS, {"in_domain": domain_id, "digests": digests}
        )
        epochs: dict[bytes, int] = dict(rows.all())
        live = {digest for digest, touched in epochs.items() if touched >= epoch}
        stale = [digest for digest, touched in epochs.items() if touched < epoch]
        if stale:
            touched = await self._connection.execute(
                _TOUCH, {"in_domain": domain_id, "digests": stale, "epoch": epoch}
            )
            live.update(touched.scalars())
        return live

    async def put(self, domain_id: int, chunks: Sequence[StoredChunk], *, epoch: int) -> None:
        rows = [
            {
                "domain_id": domain_id,
                "digest": chunk.digest,
                "state": _LIVE,
                "touch_epoch": epoch,
                "size_bytes": chunk.size_bytes,
                "pack_id": chunk.location.pack_id,
                "pack_offset": chunk.location.offset,
                "stored_bytes": chunk.location.stored_bytes,
            }
            for chunk in chunks
        ]
        if rows:
            await self._connection.execute(_upsert(insert(self._connection, CHUNK)), rows)

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
        for group in batches({content_digest for content_digest, _ in asked}):
            rows = await self._connection.execute(
                _VERIFIED, {"in_domain": domain_id, "digests": group}
            )
            verified.update(asked.intersection(tuple(row) for row in rows))
        return verified

    async def remember_verified(
        self, domain_id: int, files: Collection[tuple[bytes, bytes]]
    ) -> None:
        rows = [
            {"domain_id": domain_id, "content_digest": content, "chunk_list_digest": chunk_list}
            for content, chunk_list in files
        ]
        if rows:
            statement = insert(self._connection, VERIFIED_FILE).on_conflict_do_nothing()
            await self._connection.execute(statement, rows)


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
            **{column.name: unless_live(column) for column in _PLACE},
            "state": _LIVE,
            "condemned_epoch": None,
            "touch_epoch": case(
                (CHUNK.c.touch_epoch > new.touch_epoch, CHUNK.c.touch_epoch),
                else_=new.touch_epoch,
            ),
        },
    )
