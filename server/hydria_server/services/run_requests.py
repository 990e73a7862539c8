"""What CreateRun and UpdateRun ask for, checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hydria_server.domain.documents import require_description, require_json_object
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.names import require_name, require_project_name, require_tags
from hydria_server.domain.runs import (
    RunChange,
    RunDocuments,
    require_command_line,
    require_git_commit,
    require_git_remote,
    require_run_id,
)
from hydria_server.services.sessions import MAX_REQUEST_ID_CHARACTERS


class ResumeMode(IntEnum):
    """What to do about a run of that id."""

    NEVER = 1
    ALLOW = 2
    MUST = 3


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What CreateRun asks for. Empty fields say nothing."""

    entity: str
    project: str
    run_id: str = ""
    display_name: str = ""
    job_type: str = ""
    group: str = ""
    tags: Sequence[str] = ()
    config_json: str = ""
    git_commit: str = ""
    git_remote: str = ""
    command_line: Sequence[str] = ()
    description: str = ""
    resume: ResumeMode = ResumeMode.NEVER
    request_id: str = ""

    def checked(self) -> RunRequest:
        """Return the request when it is well formed.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: a field is malformed.
        """
        require_name(self.entity, field="entity")
        require_project_name(self.project, field="project")
        if self.run_id:
            require_run_id(self.run_id, field="run_id")
        elif self.resume is ResumeMode.MUST:
            raise FieldViolationError("run_id", "it says which run to resume")
        require_words(self.display_name, self.job_type, self.group)
        require_json_object(self.config_json, field="config_json")
        require_git_commit(self.git_commit, field="git_commit")
        require_git_remote(self.git_remote, field="git_remote")
        require_command_line(self.command_line, field="command_line")
        require_description(self.description, field="description")
        require_tags(self.tags, field="tags")
        if len(self.request_id) > MAX_REQUEST_ID_CHARACTERS:
            raise FieldViolationError("request_id", "it has more than 128 characters")
        return self

    def documents(self) -> RunDocuments:
        """Return what a new run has at length."""
        return RunDocuments(
            self.git_commit,
            self.git_remote,
            tuple(self.command_line),
            self.description,
            self.config_json or "{}",
        )

    def change(self) -> RunChange:
        """Return what a run that is resumed takes from the request: what that says."""
        return RunChange(
            display_name=self.display_name or None,
            job_type=self.job_type or None,
            group=self.group or None,
            git_commit=self.git_commit or None,
            git_remote=self.git_remote or None,
            command_line=tuple(self.command_line) or None,
            description=self.description or None,
            config_json=self.config_json or None,
        )

    def hash(self) -> bytes:
        """Return what tells this request from others with the same request id."""
        words = (
            self.project, self.run_id, self.display_name, self.job_type, self.group,
            list(self.tags), self.config_json, self.git_commit, self.git_remote,
            list(self.command_line), self.description, self.resume.value,
        )  # fmt: skip
        return hashlib.sha256(json.dumps(words).encode()).digest()


def checked_change(change: RunChange) -> RunChange:
    """Return a change when it is well formed.

    Raises:
        FieldViolationError, NameInvalidError: a field is malformed.
    """
    if change.display_name == "":
        raise FieldViolationError("display_name", "it is empty")
    require_words(change.display_name or "", change.job_type or "", change.group or "")
    require_description(change.description or "", field="description")
    documents = {
        field: None if text is None else require_json_object(text, field=field)
        for field, text in (
            ("config_json", change.config_json),
            ("summary_json", change.summary_json),
        )
    }
    return RunChange(
        display_name=change.display_name,
        job_type=change.job_type,
        group=change.group,
        tags=None if change.tags is None else require_tags(change.tags, field="tags"),
        description=change.description,
        config_json=documents["config_json"],
        summary_json=documents["summary_json"],
    )


def require_words(display_name: str, job_type: str, group: str) -> None:
    """Return when these are names, or empty.

    Raises:
        NameInvalidError: one breaks the rules.
    """
    for field, text in (("display_name", display_name), ("job_type", job_type), ("group", group)):
        if text:
            require_name(text, field=field)
