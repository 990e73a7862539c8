"""What a walk found, by types: which kinds of runs use and make which types of versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hydria_server.domain.lineage import EdgeKind, Node, NodeId, VersionNode
from hydria_server.domain.traversal import NodeKind, Walk
from hydria_server.services.walking import in_order

MAX_LABELS: Final = 10
_MAX_FRONTIER: Final = 1_000


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """Names a group: versions of a type, or runs of a job type."""

    kind: NodeKind
    type: str

    def __str__(self) -> str:
        # A type has no colon, so that no type is taken for runs.
        return self.type if self.kind is NodeKind.VERSION else f"run:{self.type}"


@dataclass(frozen=True, slots=True)
class GroupedGraph:
    """Groups of nodes and of edges with their counts."""

    walk: Walk
    nodes: Mapping[GroupKey, int]
    samples: Mapping[GroupKey, tuple[Node, ...]]
    edges: Mapping[tuple[EdgeKind, GroupKey, GroupKey], int]
    frontier: tuple[NodeId, ...]


def grouped(walk: Walk, nodes: Mapping[NodeId, Node]) -> GroupedGraph:
    """Return what was found by types; `nodes` are those that pass the filter."""
    keys = {key: _group_of(nodes[key]) for key in walk.reached if key in nodes}
    counts = Counter(keys.values())
    samples: dict[GroupKey, list[Node]] = {group: [] for group in counts}
    for key, group in keys.items():
        if len(samples[group]) < MAX_LABELS:
            samples[group].append(nodes[key])
    edges = Counter(
        (edge.kind, keys[edge.source], keys[edge.target])
        for edge in walk.edges.values()
        if edge.source in keys and edge.target in keys
    )
    return GroupedGraph(
        walk,
        dict(sorted(counts.items())),
        {group: tuple(some) for group, some in samples.items()},
        dict(sorted(edges.items())),
        tuple(in_order(walk.frontier)[:_MAX_FRONTIER]),
    )


def _group_of(node: Node) -> GroupKey:
    if isinstance(node, VersionNode):
        return GroupKey(NodeKind.VERSION, node.type)
    return GroupKey(NodeKind.RUN, node.job_type)
