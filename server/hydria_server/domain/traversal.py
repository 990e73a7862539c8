"""Walks through the graph, as values: what is asked for, and what was reached."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from hydria_server.domain.lineage import Direction, EdgeKind, EdgeRecord, Node, NodeId, VersionNode

DEFAULT_DEPTH: Final = 5
MAX_DEPTH: Final = 100
DEFAULT_NODES: Final = 1_000
MAX_NODES: Final = 10_000
EDGES_PER_NODE: Final = 10  # a walk reads so many times as many edges as it may visit nodes
MAX_ROOTS: Final = 100
MAX_FILTER_ENTRIES: Final = 100
_LAST_US: Final = (1 << 63) - 1


class NodeKind(IntEnum):
    """What a node of the graph is."""

    VERSION = 1
    RUN = 2


@dataclass(frozen=True, slots=True)
class NodeFilter:
    """Which nodes are returned; what is empty lets all pass."""

    kinds: frozenset[NodeKind] = frozenset()
    types: frozenset[str] = frozenset()  # of versions
    job_types: frozenset[str] = frozenset()  # of runs
    projects: frozenset[str] = frozenset()  # ENTITY/PROJECT

    @property
    def passes_all(self) -> bool:
        """Whether no node has to be looked at."""
        return not (self.kinds or self.types or self.job_types or self.projects)

    def passes(self, node: Node) -> bool:
        """Tell whether a node is returned."""
        if self.projects and f"{node.entity}/{node.project}" not in self.projects:
            return False
        if isinstance(node, VersionNode):
            return self._passes(NodeKind.VERSION, node.type, self.types)
        return self._passes(NodeKind.RUN, node.job_type, self.job_types)

    def _passes(self, kind: NodeKind, type_: str, types: frozenset[str]) -> bool:
        return (not self.kinds or kind in self.kinds) and (not types or type_ in types)


@dataclass(frozen=True, slots=True)
class EdgeFilter:
    """Which edges are followed: of these kinds, recorded in a half-open span of time."""

    kinds: frozenset[EdgeKind] = frozenset(EdgeKind)
    recorded_from_us: int = -_LAST_US
    recorded_before_us: int = _LAST_US


@dataclass(frozen=True, slots=True)
class EdgeQuestion:
    """What a walk asks next: for edges of any of the nodes, UPSTREAM or DOWNSTREAM."""

    nodes: Collection[NodeId]
    direction: Direction
    limit: int


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """From where, which way and how far, through the edges with ids up to `revision`."""

    roots: tuple[NodeId, ...]
    revision: int
    direction: Direction = Direction.BOTH
    edges: EdgeFilter = field(default_factory=EdgeFilter)
    max_depth: int = DEFAULT_DEPTH
    max_nodes: int = DEFAULT_NODES


@dataclass(frozen=True, slots=True)
class Reached:
    """How a node was reached first: after how many hops, and which way; None for a root."""

    depth: int
    direction: Direction | None = None


@dataclass(slots=True)
class Walk:
    """What a walk has found."""

    reached: dict[NodeId, Reached]  # in the order of depth, then of kinds and ids
    edges: dict[int, EdgeRecord]  # by their ids; both ends of each were reached
    frontier: set[NodeId]  # whose edges may not all have been followed
    truncated_by_depth: bool = False
    truncated_by_budget: bool = False
