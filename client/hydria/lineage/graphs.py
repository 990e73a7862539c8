"""Graphs: what a walk through lineage has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hydria.lineage.records import Direction, EdgeKind, LineageEdge, LineageNode, NodeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A node of a walk, and how it was reached first."""

    node: LineageNode
    depth: int
    """How many hops from the nearest root; 0 for a root."""
    direction: Direction | None
    """UPSTREAM or DOWNSTREAM; None for a root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkEnd:
    """Where a walk ended, whatever is returned of it."""

    frontier: tuple[str, ...]
    """Ids of nodes whose edges may not all have been followed: roots to go on from."""
    truncated_by_depth: bool
    truncated_by_budget: bool

    @property
    def is_whole(self) -> bool:
        """Whether the walk ended because there was no more."""
        return not (self.truncated_by_depth or self.truncated_by_budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGraph(WalkEnd):
    """Nodes in the order of depth, and the edges between them."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[LineageEdge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGroup:
    """Versions of one type, or runs of one job type."""

    id: str
    """`dataset`, or `run:train` for runs."""
    kind: NodeKind
    type: str
    node_count: int
    labels: tuple[str, ...]
    """Of the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGroupEdge:
    """All edges of one kind between two groups, in the direction in which data flows."""

    kind: EdgeKind
    source_id: str
    target_id: str
    edge_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedLineage(WalkEnd):
    """A walk by types and job types."""

    groups: tuple[LineageGroup, ...]
    edges: tuple[LineageGroupEdge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkLimits:
    """How far a walk goes, and what of it is returned. What is empty or 0 is left to the server."""

    max_depth: int = 0
    """How many hops; the server takes 5 for 0, and at most 100."""
    max_nodes: int = 0
    """How many nodes it may visit; the server takes 1,000 for 0, and at most 10,000."""
    edge_kinds: Sequence[EdgeKind] = ()
    """Follow only these kinds of edges."""
    recorded_after: datetime | None = None
    """Follow only edges recorded at or after this moment, which has a time zone."""
    recorded_before: datetime | None = None
    """Follow only edges recorded before this moment."""
    node_kinds: Sequence[NodeKind] = ()
    """Return only these kinds of nodes; the walk goes on through the others."""
    types: Sequence[str] = ()
    """Return versions only of these types."""
    job_types: Sequence[str] = ()
    """Return runs only of these job types."""
    projects: Sequence[str] = ()
    """Return only nodes of these projects, `[ENTITY/]PROJECT`."""
