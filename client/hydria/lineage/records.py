"""The values of runs and lineage. They are frozen, and know no protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast


class RunState(StrEnum):
    """The life of a run. CRASHED is what silence is taken for: a sign of life ends it."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    KILLED = "KILLED"


class Resume(StrEnum):
    """What to do about a run of the same id."""

    NEVER = "NEVER"
    ALLOW = "ALLOW"
    MUST = "MUST"


class EdgeKind(StrEnum):
    """What an edge says: a run USED or LOGGED a version, or one was DERIVED from another."""

    USED = "USED"
    LOGGED = "LOGGED"
    DERIVED = "DERIVED"


class Direction(StrEnum):
    """Which way to look: where something comes from, what was made of it, or both."""

    UPSTREAM = "UPSTREAM"
    DOWNSTREAM = "DOWNSTREAM"
    BOTH = "BOTH"


class NodeKind(StrEnum):
    """What a node of the graph is."""

    VERSION = "VERSION"
    RUN = "RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One execution as the server knows it. Lists leave out what is kept at length."""

    ref: str
    """`ENTITY/PROJECT/runs/ID`."""
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
    """How often it was begun or resumed."""
    git_commit: str
    git_remote: str
    command_line: tuple[str, ...]
    description: str
    config_json: str
    """The config as it was given, to the letter of its numbers; empty in lists."""
    summary_json: str
    created_at: datetime
    updated_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    etag: str

    @property
    def config(self) -> Mapping[str, object]:
        """The config, parsed; `config_json` is more exact about numbers."""
        return cast("Mapping[str, object]", json.loads(self.config_json or "{}"))

    @property
    def summary(self) -> Mapping[str, object]:
        """The summary, parsed."""
        return cast("Mapping[str, object]", json.loads(self.summary_json or "{}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """Points of one metric, or buckets of them, by columns."""

    key: str
    steps: tuple[int, ...]
    """The step of the last point of each bucket."""
    last_values: tuple[float, ...]
    times_us: tuple[int, ...]
    """Microseconds since 1970."""
    sampled: bool
    """Whether buckets hold more than one point each; the columns below are empty if not."""
    min_values: tuple[float, ...] = ()
    max_values: tuple[float, ...] = ()
    point_counts: tuple[int, ...] = ()
    nan_counts: tuple[int, ...] = ()
    has_more: bool = False
    """With `every_point`: whether there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMetric:
    """A metric, and its value at its highest step."""

    key: str
    step: int
    value: float
    time_us: int
    point_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageNode:
    """A run or a version in the graph; `deleted_at` says what is gone."""

    id: str
    """Names it for ever, whatever happens to names."""
    kind: NodeKind
    ref: str
    label: str
    """`TYPE:COLLECTION:vN` or `JOB_TYPE:DISPLAY_NAME`."""
    entity: str
    project: str
    name: str
    type: str
    digest: str
    """`blake3:<hex>` of a version; empty for a run."""
    created_at: datetime
    deleted_at: datetime | None
    run_state: RunState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEdge:
    """An edge, in the direction in which data flows."""

    kind: EdgeKind
    source_id: str
    target_id: str
    recorded_at: datetime
    recorded_ref: str
    """The ref of the version then."""
    requested_ref: str
    """Of USED: as it was asked for then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An edge of a node, and the node at its other end."""

    edge: LineageEdge
    node: LineageNode


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEdge:
    """An edge to record: USED and LOGGED have a run, DERIVED has `from_ref`."""

    kind: EdgeKind
    ref: str
    run: str = ""
    from_ref: str = ""
