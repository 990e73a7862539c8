"""The graph of runs and versions, as values. Times are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from hydria_server.domain.records import VersionState
from hydria_server.domain.runs import RunRecord


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


@dataclass(frozen=True, slots=True)
class RunId:
    """Names a run as a node; rows are numbered once and for all."""

    number: int

    def __str__(self) -> str:
        return f"r{self.number}"

    def __hash__(self) -> int:  # a walk hashes thousands; the one that is generated is slower
        return self.number << 1


@dataclass(frozen=True, slots=True)
class VersionId:
    """Names a version as a node."""

    number: int

    def __str__(self) -> str:
        return f"v{self.number}"

    def __hash__(self) -> int:
        return self.number << 1 | 1


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
    version_id: int
    run_id: int | None
    from_version_id: int | None
    recorded_at_us: int
    recorded_ref: str
    requested_ref: str

    @property
    def source(self) -> NodeId:
        """The node that data flows from."""
        if self.kind is EdgeKind.LOGGED:
            return RunId(self.run_id or 0)
        return VersionId(self.version_id if self.kind is EdgeKind.USED else self._derived_from)

    @property
    def target(self) -> NodeId:
        """The node that data flows to."""
        return RunId(self.run_id or 0) if self.kind is EdgeKind.USED else VersionId(self.version_id)

    @property
    def _derived_from(self) -> int:
        return self.from_version_id or 0


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


Node = VersionNode | RunRecord
