"""Graphs as rows of JSON. Scripts depend on these keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydria.cli.deployments import deployment_row
from hydria.cli.rows import Row, rfc3339
from hydria.cli.run_rows import run_row

if TYPE_CHECKING:
    from hydria.lineage.graphs import GraphNode, GroupedLineage, LineageGraph, WalkEnd
    from hydria.lineage.impact import Impact
    from hydria.lineage.provenance import Provenance
    from hydria.lineage.records import LineageEdge, LineageNode


def graph_row(graph: LineageGraph) -> Row:
    """Return a graph: nodes, and edges between their ids in the direction of data."""
    return {
        "nodes": [_reached_row(each) for each in graph.nodes],
        "edges": [_edge_row(edge) for edge in graph.edges],
        **_end_row(graph),
    }


def _reached_row(reached: GraphNode) -> Row:
    return {
        **node_row(reached.node),
        "depth": reached.depth,
        "direction": reached.direction.value if reached.direction else None,
    }


def node_row(node: LineageNode) -> Row:
    """Return a node."""
    return {
        "id": node.id,
        "kind": node.kind.value,
        "ref": node.ref,
        "label": node.label,
        "type": node.type,
        "digest": node.digest or None,
        "state": node.run_state.value if node.run_state else None,
        "created_at": rfc3339(node.created_at),
        "deleted_at": rfc3339(node.deleted_at) if node.deleted_at else None,
    }


def _edge_row(edge: LineageEdge) -> Row:
    return {
        "kind": edge.kind.value,
        "source": edge.source_id,
        "target": edge.target_id,
        "recorded_at": rfc3339(edge.recorded_at),
        "recorded_ref": edge.recorded_ref,
        "requested_ref": edge.requested_ref or None,
    }


def groups_row(graph: GroupedLineage) -> Row:
    """Return a graph by groups."""
    return {
        "groups": [
            {
                "id": group.id,
                "kind": group.kind.value,
                "type": group.type,
                "node_count": group.node_count,
                "labels": group.labels,
            }
            for group in graph.groups
        ],
        "edges": [
            {
                "kind": edge.kind.value,
                "source": edge.source_id,
                "target": edge.target_id,
                "edge_count": edge.edge_count,
            }
            for edge in graph.edges
        ],
        **_end_row(graph),
    }


def _end_row(graph: WalkEnd) -> Row:
    return {
        "frontier": graph.frontier,
        "truncated_by_depth": graph.truncated_by_depth,
        "truncated_by_budget": graph.truncated_by_budget,
    }


def provenance_row(found: Provenance) -> Row:
    """Return sources and steps; a step without a run is a derivation."""
    return {
        "node": node_row(found.node),
        "sources": [node_row(node) for node in found.sources],
        "steps": [
            {
                "run": run_row(step.run) if step.run else None,
                "inputs": [node_row(node) for node in step.inputs],
                "outputs": [node_row(node) for node in step.outputs],
            }
            for step in found.steps
        ],
        "truncated": found.is_truncated,
    }


def impact_row(found: Impact) -> Row:
    """Return the versions downstream that are asked for, and by what, nearest first."""
    return {
        "node": node_row(found.node),
        "versions": [
            {
                **node_row(each.version),
                "depth": each.depth,
                "aliases": each.aliases,
                "links": [{"ref": link.ref, "aliases": link.aliases} for link in each.links],
                "deployments": [deployment_row(deployment) for deployment in each.deployments],
                "path": each.path_ids,
                "truncated": each.is_truncated,
            }
            for each in found.versions
        ],
        "visited_count": found.visited_count,
        "truncated": found.is_truncated,
    }
