"""Upload sessions. I5: only OPEN ones make references, so every change of state tests it."""

from __future__ import annotations

import json
from functools import cache

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.records import CommitResult, Domain, UploadRecord, UploadState
from hydria_server.storage.metadata.dialect import insert
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.engine_tables import HAS_REQUEST, IS_OPEN_UPLOAD, UPLOAD
from hydria_server.storage.metadata.tables import DOMAIN, ENTITY

_RECORDS = (
    select(UPLOAD, ENTITY.c.name.label("entity"), DOMAIN.c.key)
    .join(ENTITY, ENTITY.c.id == UPLOAD.c.entity_id)
    .join(DOMAIN, DOMAIN.c.id == UPLOAD.c.domain_id)
)
_BY_ID = _RECORDS.where(UPLOAD.c.id == bindparam("upload_id"))
_BY_REQUEST = _RECORDS.where(
    UPLOAD.c.entity_id == bindparam("entity_id"),
    UPLOAD.c.request_id == bindparam("request_id"),
    HAS_REQUEST,
)
_COUNT_OPEN = (
    select(func.count())
    .select_from(UPLOAD)
    .where(UPLOAD.c.entity_id == bindparam("entity_id"), IS_OPEN_UPLOAD)
)
_END = (
    update(UPLOAD)
    .where(UPLOAD.c.id == bindparam("of_upload"), IS_OPEN_UPLOAD)
    .values(
        state=bindparam("new_state"),
        **{
            column.name: bindparam(column.name)
            for column in (
                UPLOAD.c.commit_hash,
                UPLOAD.c.result_version_id,
                UPLOAD.c.result_created,
                UPLOAD.c.result_ignored_fields_json,
            )
        },
    )
)


@cache
def _insert(dialect: str) -> ReturningInsert[tuple[str]]:
    return insert(dialect, UPLOAD).on_conflict_do_nothing().returning(UPLOAD.c.id)


class SqlUploads:
    """Rows of uploads, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, upload: UploadRecord) -> None:
        inserted = await self._connection.execute(
            _insert(self._connection.dialect.name),
            {
                "id": upload.upload_id,
                "entity_id": upload.entity_id,
                "domain_id": upload.domain.id,
                "project": upload.project,
                "collection": upload.collection,
                "type": upload.type,
                "state": UploadState.OPEN.value,
                "base_version_id": upload.base_version_id,
                "start_epoch": upload.start_epoch,
                "created_at_us": upload.created_at_us,
                "expires_at_us": upload.expires_at_us,
                "request_id": upload.request_id,
                "request_hash": upload.request_hash,
                **_result(b"", None),
            },
        )
        if inserted.first() is None:
            raise AlreadyExistsError("the request id, or the upload id, was used before")

    async def get(self, upload_id: str) -> UploadRecord | None:
        rows = await self._connection.execute(_BY_ID, {"upload_id": upload_id})
        row = rows.mappings().first()
        return _upload_of(row) if row else None

    async def by_request_id(self, entity_id: int, request_id: str) -> UploadRecord | None:
        rows = await self._connection.execute(
            _BY_REQUEST, {"entity_id": entity_id, "request_id": request_id}
        )
        row = rows.mappings().first()
        return _upload_of(row) if row else None

    async def count_open(self, entity_id: int) -> int:
        counted = await self._connection.execute(_COUNT_OPEN, {"entity_id": entity_id})
        count: int = counted.scalar_one()
        return count

    async def renew(self, upload_id: str, *, expires_at_us: int) -> None:
        await self._connection.execute(
            update(UPLOAD)
            .where(UPLOAD.c.id == upload_id, IS_OPEN_UPLOAD)
            .values(expires_at_us=expires_at_us)
        )

    async def end(
        self,
        upload_id: str,
        state: UploadState,
        *,
        commit_hash: bytes = b"",
        commit_result: CommitResult | None = None,
    ) -> bool:
        ended = await self._connection.execute(
            _END,
            {
                "of_upload": upload_id,
                "new_state": state.value,
                **_result(commit_hash, commit_result),
            },
        )
        return ended.rowcount == 1

    async def forget_request(self, upload_id: str) -> None:
        await self._connection.execute(
            update(UPLOAD).where(UPLOAD.c.id == upload_id).values(request_id="")
        )

    async def expire_due(self, *, now_us: int) -> int:
        expired = await self._connection.execute(
            update(UPLOAD)
            .where(UPLOAD.c.expires_at_us <= now_us, IS_OPEN_UPLOAD)
            .values(state=UploadState.EXPIRED.value)
        )
        return expired.rowcount


def _result(commit_hash: bytes, result: CommitResult | None) -> dict[str, Value]:
    return {
        "commit_hash": commit_hash,
        "result_version_id": result.version_id if result else None,
        "result_created": result.created if result else False,
        "result_ignored_fields_json": json.dumps(result.ignored_fields if result else ()),
    }


def _result_of(row: RowMapping) -> CommitResult | None:
    if row["result_version_id"] is None:
        return None
    ignored_fields = tuple(json.loads(row["result_ignored_fields_json"]))
    return CommitResult(row["result_version_id"], row["result_created"], ignored_fields)


def _upload_of(row: RowMapping) -> UploadRecord:
    return UploadRecord(
        upload_id=row["id"],
        entity_id=row["entity_id"],
        entity=row["entity"],
        domain=Domain(row["domain_id"], row["key"]),
        project=row["project"],
        collection=row["collection"],
        type=row["type"],
        state=UploadState(row["state"]),
        base_version_id=row["base_version_id"],
        start_epoch=row["start_epoch"],
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        request_id=row["request_id"],
        request_hash=row["request_hash"],
        commit_hash=row["commit_hash"],
        commit_result=_result_of(row),
    )
