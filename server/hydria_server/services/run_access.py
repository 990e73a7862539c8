"""Finding a run, and who may still write to it."""

from __future__ import annotations

from hydria_server.domain.errors import FieldViolationError, NotFoundError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.run_errors import RunNotRunningError, RunTakenOverError
from hydria_server.domain.runs import LIVING, RunName, RunRecord, RunState, parse_run_ref
from hydria_server.services.history import History
from hydria_server.storage.metadata.interface import Rows


async def require_run(rows: Rows, run_ref: str, *, field: str = "run_ref") -> RunRecord:
    """Return the run that a ref names.

    Raises:
        FieldViolationError, NameInvalidError: the ref is malformed.
        NotFoundError: there is none.
    """
    return await find_run(rows, parse_run_ref(run_ref, field=field))


async def find_run(rows: Rows, name: RunName) -> RunRecord:
    """Return the run of that name.

    Raises:
        NotFoundError: there is none.
    """
    run = await rows.runs.by_name(name)
    if run is None:
        raise NotFoundError(f"there is no run {name}")
    return run


async def require_own_run(rows: Rows, name: RunName | None, entity: str) -> RunRecord | None:
    """Return the run that logs a version of `entity`; None where none does.

    Raises:
        FieldViolationError: it belongs to another entity, whether it exists or not (I10).
        NotFoundError: there is none.
    """
    if name is None:
        return None
    if name.entity != entity:
        raise FieldViolationError("run_ref", "the run belongs to another entity than the version")
    return await find_run(rows, name)


def require_attempt(run: RunRecord, attempt: int) -> None:
    """Return when no attempt is given, or it is the one that the run is at.

    Raises:
        RunTakenOverError: another process has resumed the run since.
    """
    if attempt and attempt != run.attempt:
        raise RunTakenOverError(
            f"{run.ref} was resumed by another process, at attempt {run.attempt}; "
            f"attempt {attempt} must leave it alone",
            details={"attempt": str(run.attempt)},
        )


def require_living(run: RunRecord) -> None:
    """Return when the run may still be written to: it is RUNNING, or only thought to have crashed.

    Raises:
        RunNotRunningError: it was finished.
    """
    if run.state not in LIVING:
        raise RunNotRunningError(
            f"{run.ref} is {run.state.name}; resume it to go on", details={"state": run.state.name}
        )


async def note_sign_of_life(
    rows: Rows, run: RunRecord, attempt: int, *, now_us: int, actor: str
) -> None:
    """Note that a process of the run is alive; one that was thought to have crashed has not.

    Raises:
        RunTakenOverError, RunNotRunningError: it must not write to the run any more.
    """
    require_attempt(run, attempt)
    require_living(run)
    await rows.runs.beat(run.id, now_us=now_us)
    if run.state is RunState.CRASHED:
        history = History()
        history.add_run(EventType.RUN_RESUMED, run, {"attempt": run.attempt})
        await history.record(rows, run.entity_id, actor=actor, now_us=now_us)
