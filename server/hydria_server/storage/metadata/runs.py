"""Rows of runs, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from sqlalchemy import RowMapping, Select, bindparam, case, delete, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.filters import Page, Query
from hydria_server.domain.runs import (
    NewRun,
    RunChange,
    RunDocuments,
    RunName,
    RunRecord,
    RunState,
)
from hydria_server.storage.metadata.dialect import (
    batches,
    given_numbers,
    insert,
    is_one_of_numbers,
)
from hydria_server.storage.metadata.direct import fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.lineage_tables import (
    HAS_RUN_REQUEST,
    IS_RUNNING,
    RUN,
    RUN_DOCUMENT,
    RUN_NUMBER,
    RUN_TAG,
)
from hydria_server.storage.metadata.paging import Pager
from hydria_server.storage.metadata.run_records import RUN_RECORDS, run_in, run_listing, run_of
from hydria_server.storage.metadata.tables import ENTITY, PROJECT

_BY_NAME = RUN_RECORDS.where(
    ENTITY.c.name == bindparam("entity"),
    PROJECT.c.name == bindparam("project"),
    RUN.c.run_id == bindparam("run_id"),
)
_BY_IDS = RUN_RECORDS.where(is_one_of_numbers(RUN.c.id))
_RUNS_AT_ONCE: Final = 1_000
_BY_REQUEST = RUN_RECORDS.add_columns(RUN.c.request_hash).where(
    RUN.c.entity_id == bindparam("entity_id"),
    RUN.c.request_id == bindparam("request_id"),
    HAS_RUN_REQUEST,
)
_SILENT = (
    RUN_RECORDS.where(RUN.c.heartbeat_at_us < bindparam("before_us"), IS_RUNNING)
    .order_by(RUN.c.heartbeat_at_us)
    .limit(bindparam("limit"))
)
_DOCUMENTS = select(RUN_DOCUMENT).where(RUN_DOCUMENT.c.run_id == bindparam("run_id"))
_NOW = bindparam("now_us", type_=RUN.c.heartbeat_at_us.type)
_BEAT = (
    update(RUN)
    .where(RUN.c.id == bindparam("of_run"))
    .values(
        state=RunState.RUNNING.value,
        finished_at_us=None,
        heartbeat_at_us=case((RUN.c.heartbeat_at_us < _NOW, _NOW), else_=RUN.c.heartbeat_at_us),
    )
)
_ADD_TAG = plain_insert(RUN_TAG)
# The columns of RunChange that are not called as its fields are, or are in the other row.
_WORDS: Final = {"display_name": "display_name", "job_type": "job_type", "group": "group_name"}
_DOCUMENT_WORDS: Final = ("git_commit", "git_remote", "description", "config_json", "summary_json")


@cache
def _take_number(dialect: str) -> sqlite.Insert | postgresql.Insert:
    statement = insert(dialect, RUN_NUMBER).values(
        project_id=bindparam("project_id"), last_number=1
    )
    counted = statement.on_conflict_do_update(
        index_elements=RUN_NUMBER.primary_key.columns,
        set_={"last_number": RUN_NUMBER.c.last_number + 1},
    )
    return counted.returning(RUN_NUMBER.c.last_number)  # type: ignore[return-value]


class SqlRuns:
    """Rows of runs, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, run: NewRun) -> RunRecord:
        statement = insert(self._connection.dialect.name, RUN).values(
            entity_id=run.entity_id,
            project_id=run.project_id,
            run_id=run.run_id,
            number=run.number,
            state=RunState.RUNNING.value,
            attempt=1,
            revision=1,
            created_at_us=run.created_at_us,
            updated_at_us=run.created_at_us,
            heartbeat_at_us=run.created_at_us,
            display_name=run.display_name,
            job_type=run.job_type,
            group_name=run.group,
            request_id=run.request_id,
            request_hash=run.request_hash,
        )
        made = await self._connection.execute(
            statement.on_conflict_do_nothing().returning(RUN.c.id)
        )
        row_id: int | None = made.scalar()
        if row_id is None:
            raise AlreadyExistsError(f"there is a run {run.run_id!r} already")
        await self._insert_documents(row_id, run.documents)
        await self._insert_tags(row_id, run.project_id, run.tags)
        return (await self.by_ids([row_id]))[row_id]

    async def _insert_documents(self, row_id: int, documents: RunDocuments) -> None:
        texts = asdict(documents)
        command_line = json.dumps(texts.pop("command_line"), ensure_ascii=False)
        await self._connection.execute(
            plain_insert(RUN_DOCUMENT).values(
                run_id=row_id, command_line_json=command_line, **texts
            )
        )

    async def _insert_tags(self, row_id: int, project_id: int, tags: Collection[str]) -> None:
        if tags:
            rows = [{"run_id": row_id, "tag": tag, "project_id": project_id} for tag in tags]
            await self._connection.execute(_ADD_TAG, rows)

    async def take_number(self, project_id: int) -> int:
        taken = await self._connection.execute(
            _take_number(self._connection.dialect.name), {"project_id": project_id}
        )
        number: int = taken.scalar_one()
        return number

    async def by_name(self, name: RunName) -> RunRecord | None:
        return await self._first(_BY_NAME, asdict(name))

    async def by_ids(self, run_ids: Collection[int]) -> dict[int, RunRecord]:
        found: dict[int, RunRecord] = {}
        for ids in batches(run_ids, _RUNS_AT_ONCE):
            rows = await fetch(self._connection, _BY_IDS, given_numbers(ids))
            found.update((row[0], run_in(row)) for row in rows)
        return found

    async def by_request(self, entity_id: int, request_id: str) -> tuple[RunRecord, bytes] | None:
        values = {"entity_id": entity_id, "request_id": request_id}
        row = (await self._connection.execute(_BY_REQUEST, values)).mappings().first()
        return (run_of(row), row["request_hash"]) if row else None

    async def ids_by_name(self, project_id: int, names: Collection[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in batches(names):
            rows = await self._connection.execute(
                select(RUN.c.run_id, RUN.c.id).where(
                    RUN.c.project_id == project_id, RUN.c.run_id.in_(some)
                )
            )
            found.update(dict(rows.all()))
        return found

    async def documents(self, run_id: int) -> RunDocuments:
        found = await self._connection.execute(_DOCUMENTS, {"run_id": run_id})
        row = found.mappings().one()
        return RunDocuments(
            command_line=tuple(json.loads(row["command_line_json"])),
            **{word: row[word] for word in _DOCUMENT_WORDS},
        )

    async def _first(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Value]
    ) -> RunRecord | None:
        row: RowMapping | None
        row = (await self._connection.execute(statement, values)).mappings().first()
        return run_of(row) if row else None

    async def update(self, run_id: int, change: RunChange, *, now_us: int) -> None:
        given = {name: value for name, value in asdict(change).items() if value is not None}
        documents: dict[str, Value] = {
            word: given[word] for word in _DOCUMENT_WORDS if word in given
        }
        if "command_line" in given:
            documents["command_line_json"] = json.dumps(given["command_line"], ensure_ascii=False)
        if documents:
            await self._connection.execute(
                update(RUN_DOCUMENT).where(RUN_DOCUMENT.c.run_id == run_id).values(**documents)
            )
        if change.tags is not None:
            await self._connection.execute(delete(RUN_TAG).where(RUN_TAG.c.run_id == run_id))
            await self.add_tags(run_id, change.tags)
        words = {column: given[word] for word, column in _WORDS.items() if word in given}
        await self._revise(run_id, words, now_us=now_us)

    async def add_tags(self, run_id: int, tags: Sequence[str]) -> None:
        run = (await self.by_ids([run_id]))[run_id]
        await self._insert_tags(run_id, run.project_id, sorted(set(tags).difference(run.tags)))

    async def _revise(self, run_id: int, words: Mapping[str, Value], *, now_us: int) -> None:
        await self._connection.execute(
            update(RUN)
            .where(RUN.c.id == run_id)
            .values(revision=RUN.c.revision + 1, updated_at_us=now_us, **words)
        )

    async def begin_attempt(self, run_id: int, *, now_us: int) -> None:
        await self.beat(run_id, now_us=now_us)
        await self._connection.execute(
            update(RUN).where(RUN.c.id == run_id).values(attempt=RUN.c.attempt + 1)
        )
        await self._revise(run_id, {"exit_code": None}, now_us=now_us)

    async def backdate(self, run_id: int, *, created_at_us: int) -> None:
        await self._connection.execute(
            update(RUN)
            .where(RUN.c.id == run_id, RUN.c.created_at_us > created_at_us)
            .values(created_at_us=created_at_us)
        )

    async def beat(self, run_id: int, *, now_us: int) -> None:
        await self._connection.execute(_BEAT, {"of_run": run_id, "now_us": now_us})

    async def end(
        self,
        run_id: int,
        state: RunState,
        *,
        exit_code: int | None,
        finished_at_us: int,
        now_us: int,
    ) -> None:
        words: dict[str, Value] = {
            "state": state.value,
            "exit_code": exit_code,
            "finished_at_us": finished_at_us,
        }
        await self._revise(run_id, words, now_us=now_us)

    async def silent(self, *, before_us: int, limit: int) -> list[RunRecord]:
        rows = await self._connection.execute(_SILENT, {"before_us": before_us, "limit": limit})
        return [run_of(row) for row in rows.mappings()]

    async def page(self, project_id: int, query: Query) -> Page[RunRecord]:
        return await Pager(self._connection).page(run_listing(project_id), query)
