"""The graph of runs and versions, as values. Times are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

from hydria_server.domain.records import VersionState
from hydria_server.domain.runs import RUNS, RunState


class EdgeKind(IntEnum):
    """What an edge says.

    Data flows from a version to the runs that USED it, from a run to the versions that it LOGGED,
    and from a version to those that were DERIVED from it without a run.
    """

    USED = 1
    LOGGED = 2
    DERIVED = 3


class Direction(IntEnum):
    """Which way to look: against the flow of data, with it, or both."""

    UPSTREAM = 1
    DOWNSTREAM = 2
    BOTH = 3


class VersionId(NamedTuple):
    """Names a version as a node; rows are numbered once and for all.

    A walk makes and compares thousands, and of tuples both is quick. The second field sets the id
    of a version apart from that of a run.
    """

    number: int
    side: Literal[1] = 1

    def __str__(self) -> str:
        return f"v{self.number}"


class RunId(NamedTuple):
    """Names a run as a node."""

    number: int
    side: Literal[2] = 2

    def __str__(self) -> str:
        return f"r{self.number}"


NodeId = RunId | VersionId


@dataclass(frozen=True, slots=True)
class NewEdge:
    """An edge about to be recorded. USED and LOGGED have a run, DERIVED has `from_version_id`."""

    kind: EdgeKind
    version_id: int  # used, logged or derived
    recorded_at_us: int
    recorded_ref: str  # the name that the version has now
    run_id: int | None = None
    from_version_id: int | None = None
    requested_ref: str = ""  # of USED: as it was asked for


class EdgeRecord(NamedTuple):
    """An edge. Ids grow in the order of recording.

    A walk makes thousands, and a tuple is made in a quarter of the time of a dataclass.
    """

    id: int
    kind: EdgeKind
    source: NodeId
    """The node that data flows from."""
    target: NodeId
    """The node that data flows to."""
    recorded_at_us: int
    recorded_ref: str
    requested_ref: str

    @property
    def version_id(self) -> int:
        """The version that was used, logged or derived."""
        return (self.source if self.kind is EdgeKind.USED else self.target).number


class VersionNode(NamedTuple):
    """A version as a node of the graph: live or deleted, without its words. A tuple, as edges."""

    id: int
    entity_id: int
    project_id: int
    collection_id: int
    entity: str
    project: str
    collection: str
    type: str
    number: int
    digest: bytes
    state: VersionState
    created_at_us: int
    deleted_at_us: int | None

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.number}"


class RunNode(NamedTuple):
    """A run as a node of the graph: what is shown of it there. A tuple, as edges."""

    id: int
    entity: str
    project: str
    run_id: str
    display_name: str
    job_type: str
    created_at_us: int
    state: RunState

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{RUNS}/{self.run_id}"


Node = VersionNode | RunNode
