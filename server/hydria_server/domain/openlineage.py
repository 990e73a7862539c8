"""OpenLineage run events as values, and what their names are here. Times are microseconds UTC."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hydria_server.domain.exact_json import Exact
from hydria_server.domain.names import MAX_NAME_CHARACTERS
from hydria_server.domain.runs import RunName, RunState

DATASET_TYPE: Final = "openlineage-dataset"  # of the collections that stand for datasets elsewhere
OUR_SCHEME: Final = "hydria://"
OUR_PRODUCER: Final = "urn:hydria"
_RUN_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:hydria:runs")
_MAX_READABLE_CHARACTERS: Final = 64
_HASH_CHARACTERS: Final = 12
_NOT_IN_NAMES: Final = re.compile(r"[/\\:@#?%\s]+")


class EventType(StrEnum):
    """What an event says of the state of its run."""

    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    FAIL = "FAIL"
    OTHER = "OTHER"


ENDS: Final[Mapping[EventType, RunState]] = {
    EventType.COMPLETE: RunState.FINISHED,
    EventType.FAIL: RunState.FAILED,
    EventType.ABORT: RunState.KILLED,
}
# What START says of outputs is a plan, and of what failed nobody knows what it wrote.
WRITES: Final = (EventType.RUNNING, EventType.COMPLETE, EventType.OTHER)

Facets = Mapping[str, Exact]


@dataclass(frozen=True, slots=True)
class Dataset:
    """An input or output, as an event names it."""

    namespace: str
    name: str
    version: str  # of its version facet; empty: not told
    digest: str  # that a version of ours must have; empty: not told
    facets: Facets

    @property
    def is_ours(self) -> bool:
        """Whether it is named as a version of this kind of store."""
        return self.namespace.startswith(OUR_SCHEME) and bool(self.version)

    @property
    def ref(self) -> str:
        """The ref of a version of ours."""
        return f"{self.namespace.removeprefix(OUR_SCHEME)}/{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What our own export says of a run. Empty fields say nothing."""

    display_name: str
    job_type: str
    group: str
    tags: tuple[str, ...]
    git_commit: str
    git_remote: str
    command_line: tuple[str, ...]
    description: str
    config_json: str
    summary_json: str
    state: str
    exit_code: int | None
    updated_at_us: int


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event about a run."""

    index: int  # in the batch
    type: EventType
    time_us: int
    time: str  # as it was written
    run_id: str
    own_ref: str  # the run ref that our own export gives; empty: none
    own: OwnWords | None
    group: str
    job_namespace: str
    job_name: str
    run_facets: Facets
    job_facets: Facets
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]


def openlineage_run_id(name: RunName) -> str:
    """Return the UUID of a run: its own id if that is one, else one that is made of its ref."""
    try:
        if str(uuid.UUID(name.run_id)) == name.run_id:
            return name.run_id
    except ValueError:
        pass
    return str(uuid.uuid5(_RUN_IDS, str(name)))


def name_of(text: str) -> str:
    """Return a legal name that is like `text`; not always another one for another text."""
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in normal)
    name = _NOT_IN_NAMES.sub("_", kept.strip()).lstrip("-")[:MAX_NAME_CHARACTERS]
    name = unicodedata.normalize("NFC", name)
    return "_" if name in ("", ".", "..") else name


def collection_name(namespace: str, name: str) -> str:
    """Return the collection of a dataset elsewhere: the end of its name, and a hash of it all."""
    full = f"{namespace}\0{name}".encode("utf-8", "backslashreplace")
    mark = hashlib.sha256(full).hexdigest()[:_HASH_CHARACTERS]
    readable = name_of(name)[-_MAX_READABLE_CHARACTERS:].lstrip("-_.")
    return f"{name_of(readable)}-{mark}" if readable else mark
