"""Runs: their values, and the rules for what is said about them. Times are microseconds UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.names import MAX_NAME_CHARACTERS, require_name

MAX_RUN_ID_CHARACTERS = 64
MAX_GIT_REMOTE_CHARACTERS = 2048
MAX_ARGUMENTS = 1000
MAX_COMMAND_LINE_BYTES = 64 * 1024
RUNS = "runs"
_CREDENTIALS = re.compile(r"[^:]*://[^/?#]*@")


class RunState(IntEnum):
    """The life of a run. CRASHED is what silence is taken for: a sign of life ends it."""

    RUNNING = 1
    FINISHED = 2
    FAILED = 3
    CRASHED = 4
    KILLED = 5


LIVING = (RunState.RUNNING, RunState.CRASHED)


@dataclass(frozen=True, slots=True)
class RunName:
    """The full name of a run."""

    entity: str
    project: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.project}/{RUNS}/{self.run_id}"


class RunRecord(NamedTuple):
    """One execution, without its documents. A tuple, for a walk makes thousands."""

    id: int
    entity_id: int
    project_id: int
    entity: str
    project: str
    run_id: str
    display_name: str
    job_type: str
    group: str
    tags: tuple[str, ...]
    state: RunState
    exit_code: int | None
    attempt: int
    revision: int  # grows with every change of words or documents; the etag
    created_at_us: int
    updated_at_us: int
    heartbeat_at_us: int
    finished_at_us: int | None

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{RUNS}/{self.run_id}"


@dataclass(frozen=True, slots=True)
class RunDocuments:
    """What is said about a run at length. JSON is kept to the letter."""

    git_commit: str = ""
    git_remote: str = ""
    command_line: tuple[str, ...] = ()
    description: str = ""
    config_json: str = "{}"
    summary_json: str = "{}"


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run about to be inserted: RUNNING, at its first attempt."""

    entity_id: int
    project_id: int
    run_id: str
    number: int
    display_name: str
    job_type: str
    group: str
    tags: tuple[str, ...]
    documents: RunDocuments
    request_id: str
    request_hash: bytes
    created_at_us: int


@dataclass(frozen=True, slots=True)
class RunChange:
    """New words or documents; None leaves what is there."""

    display_name: str | None = None
    job_type: str | None = None
    group: str | None = None
    tags: Sequence[str] | None = None
    git_commit: str | None = None
    git_remote: str | None = None
    command_line: tuple[str, ...] | None = None
    description: str | None = None
    config_json: str | None = None
    summary_json: str | None = None


def parse_run_ref(text: str, *, field: str) -> RunName:
    """Return the parts of `ENTITY/PROJECT/runs/ID`.

    Raises:
        FieldViolationError: it has another shape.
        NameInvalidError: one of its names breaks the rules.
    """
    parts = text.split("/")
    if len(parts) != 4 or parts[2] != RUNS:
        raise FieldViolationError(field, f"{text[:200]!r} is not ENTITY/PROJECT/{RUNS}/ID")
    return RunName(
        require_name(parts[0], field=field),
        require_name(parts[1], field=field),
        require_run_id(parts[3], field=field),
    )


def require_run_id(text: str, *, field: str) -> str:
    """Return `text` when it may be the id of a run.

    Raises:
        NameInvalidError: it breaks the rules for names.
        FieldViolationError: it has more than 64 characters.
    """
    require_name(text, field=field)
    if len(text) > MAX_RUN_ID_CHARACTERS:
        raise FieldViolationError(field, f"it has more than {MAX_RUN_ID_CHARACTERS} characters")
    return text


def require_git_commit(text: str, *, field: str) -> str:
    """Return `text` when it may name a commit: printable, at most 128 characters.

    Raises:
        FieldViolationError: it is something else.
    """
    if len(text) > MAX_NAME_CHARACTERS or not text.isprintable():
        raise FieldViolationError(field, f"{text[:80]!r} names no commit")
    return text


def require_git_remote(text: str, *, field: str) -> str:
    """Return `text` when it may say where a commit is, without telling a secret.

    Raises:
        FieldViolationError: it may not; the message has no word of it.
    """
    if len(text) > MAX_GIT_REMOTE_CHARACTERS or not text.isprintable():
        raise FieldViolationError(field, "it is too long, or has a control character")
    if _CREDENTIALS.match(text):
        raise FieldViolationError(field, "it has credentials, which everybody could read here")
    return text


def require_command_line(arguments: Sequence[str], *, field: str) -> tuple[str, ...]:
    """Return the program and its arguments: at most 1,000, and 64 KiB of text without NUL.

    Raises:
        FieldViolationError: there are more, or one has a NUL character.
    """
    size_bytes = sum(len(argument.encode("utf-8", "replace")) for argument in arguments)
    if len(arguments) > MAX_ARGUMENTS or size_bytes > MAX_COMMAND_LINE_BYTES:
        raise FieldViolationError(
            field, f"it has more than {MAX_ARGUMENTS} arguments or {MAX_COMMAND_LINE_BYTES} bytes"
        )
    if any("\0" in argument for argument in arguments):
        raise FieldViolationError(field, "an argument has a NUL character")
    return tuple(arguments)
