"""Pure conversions between the messages of walks and what the services take. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.errors import BatchTooLargeError, FieldViolationError
from hydria_server.domain.lineage import Direction, EdgeKind, Node
from hydria_server.domain.traversal import (
    MAX_FILTER_ENTRIES,
    EdgeFilter,
    NodeFilter,
    NodeKind,
    Reached,
)
from hydria_server.rpc.lineage_messages import (
    EDGE_KINDS,
    direction,
    edge_kinds,
    node_message,
    run_message,
    set_edge,
    set_node,
)
from hydria_server.services.graph_groups import GroupedGraph, GroupKey
from hydria_server.services.graph_pages import GraphPage
from hydria_server.services.provenance import DescribedStep, Provenance
from hydria_server.services.traversal import TraversalRequest

NODE_KINDS = {
    NodeKind.VERSION: pb.LINEAGE_NODE_KIND_VERSION,
    NodeKind.RUN: pb.LINEAGE_NODE_KIND_RUN,
}
_KINDS = {value: kind for kind, value in NODE_KINDS.items()}
_SHAPES = {
    pb.LINEAGE_SHAPE_UNSPECIFIED: False,
    pb.LINEAGE_SHAPE_EXPLODED: False,
    pb.LINEAGE_SHAPE_GROUPED: True,
}
_WAYS = {
    None: pb.LINEAGE_DIRECTION_UNSPECIFIED,
    Direction.UPSTREAM: pb.LINEAGE_DIRECTION_UPSTREAM,
    Direction.DOWNSTREAM: pb.LINEAGE_DIRECTION_DOWNSTREAM,
}


def is_grouped(shape: pb.LineageShape.ValueType) -> bool:
    """Tell which shape is asked for.

    Raises:
        FieldViolationError: it is none.
    """
    if shape not in _SHAPES:
        raise FieldViolationError("shape", f"{shape} is none of the shapes")
    return _SHAPES[shape]


def traversal_request(request: pb.TraverseLineageRequest) -> TraversalRequest:
    """Return the walk that is asked for.

    Raises:
        FieldViolationError: an enum has an unknown value, or a time is out of range.
        BatchTooLargeError: a filter has too many entries.
    """
    return TraversalRequest(
        roots=tuple(request.roots),
        direction=direction(request.direction),
        max_depth=request.max_depth,
        max_nodes=request.max_nodes,
        nodes=_node_filter(request.nodes),
        edges=_edge_filter(request.edges),
        page_size=request.page_size,
        page_token=request.page_token,
    )


def _node_filter(message: pb.LineageNodeFilter) -> NodeFilter:
    for values in (message.types, message.job_types, message.projects, message.kinds):
        if len(values) > MAX_FILTER_ENTRIES:
            raise BatchTooLargeError(
                f"the filter of nodes has more than {MAX_FILTER_ENTRIES} entries",
                details={"limit": str(MAX_FILTER_ENTRIES)},
            )
    return NodeFilter(
        kinds=frozenset(_node_kinds(message.kinds)),
        types=frozenset(message.types),
        job_types=frozenset(message.job_types),
        projects=frozenset(message.projects),
    )


def _node_kinds(values: Iterable[pb.LineageNodeKind.ValueType]) -> Iterable[NodeKind]:
    for value in values:
        if value not in _KINDS:
            raise FieldViolationError("nodes.kinds", f"{value} is none of the kinds of nodes")
        yield _KINDS[value]


def _edge_filter(message: pb.LineageEdgeFilter) -> EdgeFilter:
    given = EdgeFilter()
    return EdgeFilter(
        kinds=frozenset(edge_kinds(message.kinds)) or frozenset(EdgeKind),
        recorded_from_us=(
            _time_us(message.recorded_after)
            if message.HasField("recorded_after")
            else given.recorded_from_us
        ),
        recorded_before_us=(
            _time_us(message.recorded_before)
            if message.HasField("recorded_before")
            else given.recorded_before_us
        ),
    )


def _time_us(moment: Timestamp) -> int:
    if not -(10**12) < moment.seconds < 10**12:
        raise FieldViolationError("edges", f"{moment.seconds} seconds are no time")
    return moment.seconds * 1_000_000 + moment.nanos // 1000


def page_message(page: GraphPage, next_page_token: str) -> pb.TraverseLineageResponse:
    """Return a page of a walk."""
    message = pb.TraverseLineageResponse(
        truncated_by_depth=page.walk.truncated_by_depth,
        truncated_by_budget=page.walk.truncated_by_budget,
        frontier=map(str, page.frontier),
        next_page_token=next_page_token,
    )
    for node, how in page.nodes:
        _set_reached(message.nodes.add(), node, how)
    for edge in page.edges:
        set_edge(message.edges.add(), edge)
    return message


def reached_message(node: Node, how: Reached) -> pb.LineageNode:
    """Return a node, and how it was reached."""
    message = pb.LineageNode()
    _set_reached(message, node, how)
    return message


def _set_reached(message: pb.LineageNode, node: Node, how: Reached) -> None:
    set_node(message, node)
    message.depth = how.depth
    message.direction = _WAYS[how.direction]


def grouped_message(graph: GroupedGraph) -> pb.TraverseLineageResponse:
    """Return a walk by groups."""
    return pb.TraverseLineageResponse(
        groups=[_group_message(graph, key) for key in graph.nodes],
        group_edges=[
            pb.LineageGroupEdge(
                kind=EDGE_KINDS[kind],
                source_id=str(source),
                target_id=str(target),
                edge_count=count,
            )
            for (kind, source, target), count in graph.edges.items()
        ],
        truncated_by_depth=graph.walk.truncated_by_depth,
        truncated_by_budget=graph.walk.truncated_by_budget,
        frontier=map(str, graph.frontier),
    )


def _group_message(graph: GroupedGraph, key: GroupKey) -> pb.LineageGroup:
    return pb.LineageGroup(
        id=str(key),
        kind=NODE_KINDS[key.kind],
        type=key.type,
        node_count=graph.nodes[key],
        labels=[node_message(node).label for node in graph.samples[key]],
    )


def provenance_message(found: Provenance) -> pb.GetProvenanceResponse:
    """Return a page of sources and steps."""
    return pb.GetProvenanceResponse(
        node=node_message(found.node),
        sources=map(node_message, found.sources),
        steps=map(_step_message, found.steps),
        truncated=found.is_truncated,
        next_page_token=found.next_page_token,
    )


def _step_message(step: DescribedStep) -> pb.ProvenanceStep:
    return pb.ProvenanceStep(
        run=run_message(step.run, step.documents) if step.run else None,
        inputs=map(node_message, step.inputs),
        outputs=map(node_message, step.outputs),
        part=step.part,
    )
