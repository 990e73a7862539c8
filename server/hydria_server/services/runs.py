"""Runs: begin, resume, describe, finish; and those that fell silent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from hydria_server.domain.documents import require_json_object
from hydria_server.domain.errors import (
    AlreadyExistsError,
    FieldViolationError,
    NotFoundError,
    RequestIdReusedError,
)
from hydria_server.domain.event_types import EventType
from hydria_server.domain.filters import OrderTerm, Query
from hydria_server.domain.names import require_name, require_tags
from hydria_server.domain.records import EntityRecord
from hydria_server.domain.run_words import display_name
from hydria_server.domain.runs import (
    LIVING,
    NewRun,
    RunChange,
    RunDocuments,
    RunName,
    RunRecord,
    RunState,
)
from hydria_server.services.etags import require_etag
from hydria_server.services.filter_parsing import Fields, Kind, parse_filter, parse_order
from hydria_server.services.history import History
from hydria_server.services.listings import Listed, ListRequest
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.projects import ensure_project
from hydria_server.services.run_access import (
    note_sign_of_life,
    require_attempt,
    require_living,
    require_run,
)
from hydria_server.services.run_requests import ResumeMode, RunRequest, checked_change
from hydria_server.services.run_silence import Silence
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

ORDER_FIELDS: Fields = {
    "name": Kind.TEXT,
    "job_type": Kind.TEXT,
    "group": Kind.TEXT,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
}
RUN_FIELDS: Fields = {
    **ORDER_FIELDS,
    "run_id": Kind.TEXT,
    "tag": Kind.SET,
    "state": Kind.RUN_STATE,
    "finished_at": Kind.TIME,
}
_NEWEST_FIRST = OrderTerm("created_at", descending=True)
_RUN_ID_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class DescribedRun:
    """A run with its documents."""

    run: RunRecord
    documents: RunDocuments
    resumed: bool = False


class Runs:
    """Begins, reads, changes and ends runs."""

    def __init__(self, metadata: MetadataStore, clock: Clock, silence: Silence) -> None:
        self._metadata = metadata
        self._clock = clock
        self._silence = silence

    async def create(self, request: RunRequest, *, actor: str) -> DescribedRun:
        """Begin a run or resume one; the same request id finds the run that it began.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: a field is malformed.
            AlreadyExistsError: there is a run of that id, and it shall not be resumed.
            NotFoundError: there is none, and one shall be resumed.
            RequestIdReusedError: the request id came with another payload.
        """
        request.checked()
        return await self._metadata.write(lambda rows: self._create(rows, request, actor))

    async def _create(self, rows: Rows, request: RunRequest, actor: str) -> DescribedRun:
        now_us, history = self._clock(), History()
        entity = await rows.names.ensure_entity(request.entity, now_us=now_us)
        known = await _begun_before(rows, entity, request)
        if known is not None:
            return DescribedRun(known, await rows.runs.documents(known.id))
        run = await _to_resume(rows, request)
        if run is None:
            made = await self.begin(rows, entity, request, history, now_us)
            history.add_run(EventType.RUN_CREATED, made)
        else:
            made = await _resume(rows, run, request, now_us)
            history.add_run(EventType.RUN_RESUMED, made, {"attempt": made.attempt})
        await history.record(rows, entity.id, actor=actor, now_us=now_us)
        return DescribedRun(made, await rows.runs.documents(made.id), resumed=run is not None)

    async def begin(
        self, rows: Rows, entity: EntityRecord, request: RunRequest, history: History, now_us: int
    ) -> RunRecord:
        project_id = await ensure_project(
            rows, history, entity.name, request.project, now_us=now_us
        )
        seed = uuid.uuid4()
        number = await rows.runs.take_number(project_id)
        return await rows.runs.insert(
            NewRun(
                entity_id=entity.id,
                project_id=project_id,
                run_id=request.run_id or seed.hex[:_RUN_ID_CHARACTERS],
                number=number,
                display_name=request.display_name or display_name(seed.int, number),
                job_type=request.job_type,
                group=request.group,
                tags=tuple(sorted(set(request.tags))),
                documents=request.documents(),
                request_id=request.request_id,
                request_hash=request.hash(),
                created_at_us=now_us,
            )
        )

    async def get(self, run_ref: str) -> DescribedRun:
        """Return a run with its documents.

        Raises:
            FieldViolationError, NameInvalidError: the ref is malformed.
            NotFoundError: there is none.
        """
        await self._silence.crash_silent()
        return await self._metadata.read(lambda rows: _described(rows, run_ref))

    async def page(self, entity: str, project: str, request: ListRequest) -> Listed[RunRecord]:
        """List the runs of a project.

        Raises:
            NameInvalidError, FieldViolationError, FilterInvalidError, PageTokenInvalidError.
            NotFoundError: there is no such project.
        """
        require_name(entity, field="entity")
        require_name(project, field="project")
        bound_to = f"runs {entity}/{project}\0{request.filter}\0{request.order_by}"
        query = Query(
            filter=parse_filter(request.filter, RUN_FIELDS),
            order=parse_order(request.order_by, ORDER_FIELDS, _NEWEST_FIRST),
            after=decode_token(request.page_token, bound_to=bound_to),
            limit=page_limit(request.page_size),
        )
        await self._silence.crash_silent()

        async def look(rows: Rows) -> Listed[RunRecord]:
            found = await rows.names.project(entity, project)
            if found is None:
                raise NotFoundError(f"there is no project {entity}/{project}")
            listed = await rows.runs.page(found.id, query)
            return Listed(listed.items, encode_token(listed.next_cursor, bound_to=bound_to))

        return await self._metadata.read(look)

    async def update(
        self, run_ref: str, change: RunChange, *, etag: str, actor: str
    ) -> DescribedRun:
        """Change words or documents, in whatever state the run is; return it as it is then.

        Raises:
            EtagMismatchError: it was changed since `etag` was read.
            FieldViolationError, NameInvalidError: the change is malformed. And as `get`.
        """
        checked = checked_change(change)

        async def apply(rows: Rows) -> DescribedRun:
            run = await require_run(rows, run_ref)
            require_etag(run.revision, etag)
            now_us, history = self._clock(), History()
            await rows.runs.update(run.id, checked, now_us=now_us)
            history.add_run(EventType.RUN_UPDATED, run)
            await history.record(rows, run.entity_id, actor=actor, now_us=now_us)
            return await _described(rows, run_ref)

        return await self._metadata.write(apply)

    async def heartbeat(self, run_ref: str, attempt: int, *, actor: str) -> None:
        """Note a sign of life.

        Raises:
            RunTakenOverError: another process has resumed the run.
            RunNotRunningError: it was finished. And as `get`.
        """

        async def apply(rows: Rows) -> None:
            run = await require_run(rows, run_ref)
            await note_sign_of_life(rows, run, attempt, now_us=self._clock(), actor=actor)

        await self._metadata.write(apply)

    async def finish(
        self,
        run_ref: str,
        state: RunState,
        *,
        exit_code: int | None,
        summary_json: str | None,
        attempt: int,
        actor: str,
    ) -> DescribedRun:
        """End a run; again in the same state changes nothing.

        Raises:
            FieldViolationError: RUNNING is no end, or the summary is no JSON object.
            RunTakenOverError: another process has resumed the run.
            RunNotRunningError: it was finished in another state. And as `get`.
        """
        if state is RunState.RUNNING:
            raise FieldViolationError("state", "RUNNING is no way to end")
        if summary_json is not None:
            summary_json = require_json_object(summary_json, field="summary_json")

        async def apply(rows: Rows) -> DescribedRun:
            run = await require_run(rows, run_ref)
            require_attempt(run, attempt)
            if run.state is not state or state in LIVING:
                require_living(run)
                now_us = self._clock()
                if summary_json is not None:
                    change = RunChange(summary_json=summary_json)
                    await rows.runs.update(run.id, change, now_us=now_us)
                await _end(rows, run, state, exit_code=exit_code, now_us=now_us, actor=actor)
            return await _described(rows, run_ref)

        return await self._metadata.write(apply)


async def _end(
    rows: Rows, run: RunRecord, state: RunState, *, exit_code: int | None, now_us: int, actor: str
) -> None:
    await rows.runs.end(run.id, state, exit_code=exit_code, finished_at_us=now_us, now_us=now_us)
    history = History()
    history.add_run(EventType.RUN_FINISHED, run, {"state": state.name})
    await history.record(rows, run.entity_id, actor=actor, now_us=now_us)


async def _described(rows: Rows, run_ref: str) -> DescribedRun:
    run = await require_run(rows, run_ref)
    return DescribedRun(run, await rows.runs.documents(run.id))


async def _begun_before(rows: Rows, entity: EntityRecord, request: RunRequest) -> RunRecord | None:
    """Return the run that the same request began.

    Raises:
        RequestIdReusedError: the request id came with another payload.
    """
    if not request.request_id:
        return None
    known = await rows.runs.by_request(entity.id, request.request_id)
    if known is None:
        return None
    run, request_hash = known
    if request_hash != request.hash():
        raise RequestIdReusedError("the request id was used before with another payload")
    return run


async def _to_resume(rows: Rows, request: RunRequest) -> RunRecord | None:
    """Return the run that the request resumes; None if it begins one.

    Raises:
        AlreadyExistsError: there is one, and it shall not be resumed.
        NotFoundError: there is none, and one shall be resumed.
    """
    if not request.run_id:
        return None
    name = RunName(request.entity, request.project, request.run_id)
    run = await rows.runs.by_name(name)
    if run is None and request.resume is ResumeMode.MUST:
        raise NotFoundError(f"there is no run {name} to resume")
    if run is not None and request.resume is ResumeMode.NEVER:
        raise AlreadyExistsError(f"there is a run {name} already; resume it, or take another id")
    return run


async def _resume(rows: Rows, run: RunRecord, request: RunRequest, now_us: int) -> RunRecord:
    tags = require_tags((*run.tags, *request.tags), field="tags")  # together no more than ever
    await rows.runs.begin_attempt(run.id, now_us=now_us)
    await rows.runs.update(run.id, request.change(), now_us=now_us)
    await rows.runs.add_tags(run.id, tags)
    return (await rows.runs.by_ids([run.id]))[run.id]
