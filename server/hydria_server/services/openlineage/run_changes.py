"""What a batch of events changes about one run, in whatever order they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.errors import FieldViolationError, NameInvalidError
from hydria_server.domain.names import require_project_name
from hydria_server.domain.openlineage import (
    ENDS,
    OwnWords,
    RunEvent,
    name_of,
    openlineage_run_id,
)
from hydria_server.domain.runs import (
    LIVING,
    RunChange,
    RunName,
    RunRecord,
    RunState,
    parse_run_ref,
)
from hydria_server.services.run_requests import RunRequest


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended. Of two ends the later one stands; at the same time the greater state."""

    time_us: int
    state: RunState
    exit_code: int | None = None

    @property
    def order(self) -> tuple[int, RunState]:
        """What the end that stands has more of."""
        return self.time_us, self.state


def run_name_of(event: RunEvent, entity: str, project: str) -> RunName:
    """Return the run that an event is about: the one that our own export names, or one by its UUID.

    What names a run and does not fit the UUID of the event names nothing.
    """
    try:
        name = parse_run_ref(event.own_ref, field="ref")
        require_project_name(name.project, field="ref")
    except (FieldViolationError, NameInvalidError):
        return RunName(entity, project, event.run_id)
    is_own = name.entity == entity and openlineage_run_id(name) == event.run_id
    return name if is_own else RunName(entity, project, event.run_id)


def own_words(events: Sequence[RunEvent]) -> OwnWords | None:
    """Return the newest words of our own export; None where it told of no event."""
    told = [event.own for event in events if event.own is not None]
    return max(told, key=lambda own: own.updated_at_us) if told else None


def begin_request(name: RunName, events: Sequence[RunEvent]) -> RunRequest:
    """Return how a run begins that was not known.

    Raises:
        FieldViolationError, NameInvalidError: what our own export says of it is malformed.
    """
    own = own_words(events)
    request = RunRequest(
        entity=name.entity,
        project=name.project,
        run_id=name.run_id,
        display_name=own.display_name if own else "",
        job_type=own.job_type if own else name_of(events[0].job_name),
    )
    return request.checked()


def change_of(own: OwnWords) -> RunChange:
    """Return all that our own export says of a run, also that something is empty."""
    return RunChange(
        display_name=own.display_name or None,
        job_type=own.job_type,
        group=own.group,
        tags=own.tags,
        git_commit=own.git_commit,
        git_remote=own.git_remote,
        command_line=own.command_line,
        description=own.description,
        config_json=own.config_json or None,
        summary_json=own.summary_json or None,
    )


def end_of(run: RunRecord, events: Sequence[RunEvent]) -> End | None:
    """Return how a run ended by what events say, if that is news."""
    ends = [_end(event) for event in events if event.type in ENDS]
    if not ends:
        return None
    last = max(ends, key=lambda end: end.order)
    if run.state in LIVING and (run.state is not last.state or run.finished_at_us is None):
        return last
    return last if last.order > (run.finished_at_us or 0, run.state) else None


def sign_of_life_us(run: RunRecord, events: Sequence[RunEvent]) -> int | None:
    """Return when a run that has not ended was last heard of, if that is news."""
    if run.state not in LIVING:
        return None
    heard_us = max(event.time_us for event in events)
    return heard_us if heard_us > max(run.heartbeat_at_us, run.finished_at_us or 0) else None


def _end(event: RunEvent) -> End:
    own = event.own
    state = ENDS[event.type]
    if own is not None and own.state == RunState.CRASHED.name:
        state = RunState.CRASHED  # which OpenLineage has no word for
    return End(event.time_us, state, own.exit_code if own else None)
