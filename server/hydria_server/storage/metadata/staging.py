"""What uploads have staged: sorted runs, in the order of staging."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.records import StagedRun, WriterProgress
from hydria_server.storage.metadata.dialect import batches
from hydria_server.storage.metadata.engine_tables import STAGED_RUN

_OF_UPLOAD = STAGED_RUN.c.upload_id == bindparam("of_upload")
_LAST_SEQ = func.coalesce(func.max(STAGED_RUN.c.seq), 0)
_LAST_SEQ_OF_WRITER = select(_LAST_SEQ).where(
    _OF_UPLOAD, STAGED_RUN.c.writer_id == bindparam("writer")
)
_RUNS = (
    select(*(column for column in STAGED_RUN.c if column is not STAGED_RUN.c.upload_id))
    .where(_OF_UPLOAD)
    .order_by(STAGED_RUN.c.id)
)
_LATER = STAGED_RUN.alias()
_LATEST_RUN = (
    select(func.max(_LATER.c.id))
    .where(
        _LATER.c.upload_id == STAGED_RUN.c.upload_id, _LATER.c.writer_id == STAGED_RUN.c.writer_id
    )
    .correlate(STAGED_RUN)
    .scalar_subquery()
)
_IS_AN_END = (STAGED_RUN.c.operation_count == 0) & (STAGED_RUN.c.id == _LATEST_RUN)
_WRITERS = (
    select(
        STAGED_RUN.c.writer_id,
        _LAST_SEQ.label("staged_through_seq"),
        func.sum(STAGED_RUN.c.operation_count).label("operation_count"),
        func.max(case((_IS_AN_END, 1), else_=0)).label("finished"),
    )
    .where(_OF_UPLOAD)
    .group_by(STAGED_RUN.c.writer_id)
    .order_by(STAGED_RUN.c.writer_id)
)


class SqlStaging:
    """Rows of staged runs, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, upload_id: str, runs: Sequence[StagedRun]) -> None:
        rows = [{**asdict(run), "upload_id": upload_id} for run in runs]
        for row in rows:
            del row["id"]  # the database counts them, in the order of staging
        if rows:
            await self._connection.execute(insert(STAGED_RUN), rows)

    async def last_seq(self, upload_id: str, writer_id: str) -> int:
        last = await self._connection.execute(
            _LAST_SEQ_OF_WRITER, {"of_upload": upload_id, "writer": writer_id}
        )
        seq: int = last.scalar_one()
        return seq

    async def runs(self, upload_id: str) -> list[StagedRun]:
        rows = await self._connection.execute(_RUNS, {"of_upload": upload_id})
        return [StagedRun(**row) for row in rows.mappings()]

    async def mark_resolved(self, run_ids: Collection[int]) -> None:
        for ids in batches(run_ids):
            await self._connection.execute(
                update(STAGED_RUN).where(STAGED_RUN.c.id.in_(ids)).values(resolved=True)
            )

    async def writers(self, upload_id: str) -> list[WriterProgress]:
        rows = await self._connection.execute(_WRITERS, {"of_upload": upload_id})
        return [
            WriterProgress(
                row.writer_id, row.staged_through_seq, row.operation_count, bool(row.finished)
            )
            for row in rows
        ]

    async def clear(self, upload_id: str) -> None:
        await self._connection.execute(
            delete(STAGED_RUN).where(_OF_UPLOAD), {"of_upload": upload_id}
        )
