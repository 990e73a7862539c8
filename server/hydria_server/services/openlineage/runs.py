"""The runs that events tell of: begun, described and ended, in the transaction of their batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hydria_server.domain.documents import require_json_object
from hydria_server.domain.errors import FieldViolationError, HydriaError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.openlineage import OUR_SCHEME, OwnWords, RunEvent
from hydria_server.domain.records import EntityRecord
from hydria_server.domain.runs import (
    RunChange,
    RunName,
    RunRecord,
    RunState,
    require_command_line,
    require_git_commit,
    require_git_remote,
)
from hydria_server.services.history import History
from hydria_server.services.openlineage.documents import merged_config
from hydria_server.services.openlineage.reading import at
from hydria_server.services.openlineage.run_changes import (
    begin_request,
    change_of,
    end_of,
    own_words,
    sign_of_life_us,
)
from hydria_server.services.projects import ensure_project
from hydria_server.services.run_requests import checked_change
from hydria_server.services.runs import Runs
from hydria_server.storage.metadata.interface import Rows


class ToldRuns:
    """Writes what events say of runs, and notes it in one history."""

    def __init__(
        self, rows: Rows, runs: Runs, entity: EntityRecord, history: History, *, now_us: int
    ) -> None:
        self._rows = rows
        self._runs = runs
        self._entity = entity
        self._history = history
        self._now_us = now_us

    async def tell(self, name: RunName, events: Sequence[RunEvent]) -> RunRecord:
        """Write what all events of a batch about one run say; return it as it is then.

        Raises:
            FieldViolationError, NameInvalidError: what our own export says is malformed, or the
                facets come to more than 1 MiB.
        """
        try:
            run, is_new = await self._begun(name, events)
            own = own_words(events)
            if own is None:
                run = await self._described(run, events)
            elif is_new or own.updated_at_us >= run.updated_at_us:
                run = await self._copied(run, events, own, is_new=is_new)
            else:
                return run  # it was exported before what is known here
            return await self._stated(run, events, own)
        except HydriaError as error:
            raise at(error, events[0].index) from None

    async def _begun(self, name: RunName, events: Sequence[RunEvent]) -> tuple[RunRecord, bool]:
        """Return the run, begun at its first event, and whether it is new."""
        rows, began_us = self._rows, min(event.time_us for event in events)
        run = await rows.runs.by_name(name)
        if run is not None:
            await rows.runs.backdate(run.id, created_at_us=began_us)
            return run, False
        request = begin_request(name, events)
        await ensure_project(rows, self._history, name.entity, name.project, now_us=self._now_us)
        run = await self._runs.begin(rows, self._entity, request, self._history, began_us)
        self._history.add_run(EventType.RUN_CREATED, run)
        return run, True

    async def _copied(
        self, run: RunRecord, events: Sequence[RunEvent], own: OwnWords, *, is_new: bool
    ) -> RunRecord:
        """Take over what our own export says; what was changed here is as new as it is there."""
        if is_new or own.updated_at_us > run.updated_at_us:
            change = _checked(own)
            if not own.config_json and not events[0].job_namespace.startswith(OUR_SCHEME):
                # Another system told of it first: its facets are the config, here as there.
                change = replace(change, config_json=await self._told_config(run, events))
            await self._rows.runs.update(run.id, change, now_us=own.updated_at_us)
            if not is_new:
                self._history.add_run(EventType.RUN_UPDATED, run)
        return run._replace(updated_at_us=own.updated_at_us)

    async def _described(self, run: RunRecord, events: Sequence[RunEvent]) -> RunRecord:
        change = await self._told_change(run, events)
        if change is not None:
            await self._rows.runs.update(run.id, change, now_us=self._now_us)
            self._history.add_run(EventType.RUN_UPDATED, run)
        return run

    async def _told_change(self, run: RunRecord, events: Sequence[RunEvent]) -> RunChange | None:
        config_json = await self._told_config(run, events)
        groups = sorted({event.group for event in events} - {""})
        group = groups[0] if groups and not run.group else None
        if config_json is None and group is None:
            return None
        return RunChange(config_json=config_json, group=group)

    async def _told_config(self, run: RunRecord, events: Sequence[RunEvent]) -> str | None:
        """Return the config with what events add to it; None if that is nothing."""
        before = (await self._rows.runs.documents(run.id)).config_json
        try:
            config_json = merged_config(before, events)
        except RecursionError:
            raise FieldViolationError("$.run", "its config is nested too deeply") from None
        require_json_object(config_json, field="$.run.facets")
        return None if config_json == before else config_json

    async def _stated(
        self, run: RunRecord, events: Sequence[RunEvent], own: OwnWords | None
    ) -> RunRecord:
        end, heard_us = end_of(run, events), sign_of_life_us(run, events)
        if end is not None:
            await self._rows.runs.end(
                run.id,
                end.state,
                exit_code=end.exit_code,
                finished_at_us=end.time_us,
                now_us=own.updated_at_us if own else self._now_us,
            )
            self._history.add_run(EventType.RUN_FINISHED, run, {"state": end.state.name})
        elif heard_us is not None:
            await self._rows.runs.beat(run.id, now_us=heard_us)
            if run.state is RunState.CRASHED:
                self._history.add_run(EventType.RUN_RESUMED, run, {"attempt": run.attempt})
        return run


def _checked(own: OwnWords) -> RunChange:
    """Return the change that our own export describes.

    Raises:
        FieldViolationError, NameInvalidError: it is malformed.
    """
    change = change_of(own)
    try:
        require_git_commit(own.git_commit, field="gitCommit")
        require_git_remote(own.git_remote, field="gitRemote")
        require_command_line(own.command_line, field="commandLine")
        checked = checked_change(change)
    except FieldViolationError as error:
        error.message = f"$.run.facets.hydria_run: {error.message}"
        raise
    return replace(
        checked,
        git_commit=change.git_commit,
        git_remote=change.git_remote,
        command_line=change.command_line,
    )
