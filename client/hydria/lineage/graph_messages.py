"""Messages about graphs to values of the library, and back. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.errors import InvalidArgumentError
from hydria.lineage.graphs import (
    GraphNode,
    GroupedLineage,
    LineageGraph,
    LineageGroup,
    LineageGroupEdge,
    WalkLimits,
)
from hydria.lineage.messages import DIRECTIONS, EDGE_KINDS, edge_of, node_of
from hydria.lineage.records import Direction, NodeKind
from hydria.v1 import lineage_pb2 as pb

NODE_KINDS = {
    NodeKind.VERSION: pb.LINEAGE_NODE_KIND_VERSION,
    NodeKind.RUN: pb.LINEAGE_NODE_KIND_RUN,
}
_NODE_KINDS = {value: kind for kind, value in NODE_KINDS.items()}
_EDGE_KINDS = {value: kind for kind, value in EDGE_KINDS.items()}
_DIRECTIONS = {value: direction for direction, value in DIRECTIONS.items()}


def walk_request(
    roots: Sequence[str], direction: Direction, limits: WalkLimits
) -> pb.TraverseLineageRequest:
    """Return the request for a walk from full refs.

    Raises:
        InvalidArgumentError: a number is negative, or a moment has no time zone.
    """
    return pb.TraverseLineageRequest(
        roots=roots,
        direction=DIRECTIONS[direction],
        max_depth=limit_number("max_depth", limits.max_depth),
        max_nodes=limit_number("max_nodes", limits.max_nodes),
        nodes=pb.LineageNodeFilter(
            kinds=[NODE_KINDS[kind] for kind in limits.node_kinds],
            types=limits.types,
            job_types=limits.job_types,
            projects=limits.projects,
        ),
        edges=pb.LineageEdgeFilter(
            kinds=[EDGE_KINDS[kind] for kind in limits.edge_kinds],
            recorded_after=_timestamp("recorded_after", limits.recorded_after),
            recorded_before=_timestamp("recorded_before", limits.recorded_before),
        ),
    )


def limit_number(name: str, number: int) -> int:
    """Return a limit as it can be sent.

    Raises:
        InvalidArgumentError: it is negative, or too large for the wire.
    """
    if not 0 <= number < 1 << 32:
        raise InvalidArgumentError(f"{name} cannot be {number}")
    return number


def _timestamp(name: str, moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidArgumentError(f"{name} has no time zone: {moment.isoformat()}")
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def graph_of(pages: Sequence[pb.TraverseLineageResponse]) -> LineageGraph:
    """Return the graph that all pages of a walk describe."""
    return LineageGraph(
        nodes=tuple(_reached(node) for page in pages for node in page.nodes),
        edges=tuple(edge_of(edge) for page in pages for edge in page.edges),
        frontier=_texts(page.frontier for page in pages),
        truncated_by_depth=pages[-1].truncated_by_depth,
        truncated_by_budget=pages[-1].truncated_by_budget,
    )


def _texts(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(text for part in parts for text in part)


def _reached(message: pb.LineageNode) -> GraphNode:
    return GraphNode(
        node=node_of(message), depth=message.depth, direction=_DIRECTIONS.get(message.direction)
    )


def groups_of(message: pb.TraverseLineageResponse) -> GroupedLineage:
    """Return the groups that a message describes."""
    return GroupedLineage(
        groups=tuple(
            LineageGroup(
                id=group.id,
                kind=_NODE_KINDS[group.kind],
                type=group.type,
                node_count=group.node_count,
                labels=tuple(group.labels),
            )
            for group in message.groups
        ),
        edges=tuple(
            LineageGroupEdge(
                kind=_EDGE_KINDS[edge.kind],
                source_id=edge.source_id,
                target_id=edge.target_id,
                edge_count=edge.edge_count,
            )
            for edge in message.group_edges
        ),
        frontier=tuple(message.frontier),
        truncated_by_depth=message.truncated_by_depth,
        truncated_by_budget=message.truncated_by_budget,
    )
