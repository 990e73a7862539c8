"""Graphs as people read them: trees of labels, and tables of groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydria.cli.text import Table
from hydria.lineage.records import Direction, NodeKind

if TYPE_CHECKING:
    from hydria.lineage.graphs import GroupedLineage, LineageGraph
    from hydria.lineage.impact import Impact, ImpactedVersion
    from hydria.lineage.provenance import Provenance, ProvenanceStep
    from hydria.lineage.records import LineageEdge, LineageNode

_TITLES = {Direction.UPSTREAM: "made from", Direction.DOWNSTREAM: "went into"}
_Neighbours = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Line:
    """A node in a tree, and how many lines up its branch has yet to be drawn."""

    node_id: str
    prefix: str
    is_last: bool
    is_seen: bool


def tree_lines(graph: LineageGraph) -> Iterator[str]:
    """Yield a tree for each root and each way; what a tree has already is not unfolded again."""
    nodes = {each.node.id: each.node for each in graph.nodes}
    frontier = frozenset(graph.frontier)
    roots = [each.node.id for each in graph.nodes if each.depth == 0]
    ways = {
        Direction.UPSTREAM: _neighbours(graph.edges, Direction.UPSTREAM),
        Direction.DOWNSTREAM: _neighbours(graph.edges, Direction.DOWNSTREAM),
    }
    reached = {each.direction for each in graph.nodes}
    for root in roots or list(nodes):
        yield _text(nodes[root], frontier)
        for way, neighbours in ways.items():
            if way in reached and neighbours.get(root):
                yield f"  {_TITLES[way]}"
                for line in _unfold(root, neighbours):
                    mark = "└─ " if line.is_last else "├─ "
                    again = " (see above)" if line.is_seen else ""
                    text = _text(nodes[line.node_id], frontier)
                    yield f"  {line.prefix}{mark}{text}{again}"


def _unfold(root: str, neighbours: _Neighbours) -> Iterator[_Line]:
    """Yield the nodes below a root, depth first and each unfolded once; a stack, for 100 levels."""
    seen = {root}
    stack = _children(root, neighbours, "")
    while stack:
        node_id, prefix, is_last = stack.pop()
        is_seen = node_id in seen
        has_more = bool(neighbours.get(node_id))
        yield _Line(node_id, prefix, is_last, is_seen and has_more)
        if not is_seen:
            seen.add(node_id)
            stack += _children(node_id, neighbours, prefix + ("   " if is_last else "│  "))


def _children(node_id: str, neighbours: _Neighbours, prefix: str) -> list[tuple[str, str, bool]]:
    found = neighbours.get(node_id, ())
    lines = [(child, prefix, place == len(found) - 1) for place, child in enumerate(found)]
    return lines[::-1]


def _neighbours(edges: Sequence[LineageEdge], way: Direction) -> _Neighbours:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for edge in edges:
        near, far = edge.source_id, edge.target_id
        if way is Direction.UPSTREAM:
            near, far = far, near
        found[near][far] = None
    return {near: tuple(fars) for near, fars in found.items()}


def _text(node: LineageNode, frontier: frozenset[str]) -> str:
    state = f" {node.run_state.value}" if node.run_state else ""
    gone = " DELETED" if node.deleted_at else ""
    more = " *" if node.id in frontier else ""
    name = f"{node.label}  ({node.ref}{state}{gone})"
    return f"{name}{more}"


def group_lines(graph: GroupedLineage) -> Iterator[str]:
    """Yield what kinds of runs used and made which types, with counts."""
    rows = [
        (
            group.id,
            "runs" if group.kind is NodeKind.RUN else "versions",
            f"{group.node_count:,}",
            " ".join(
                sorted({edge.source_id for edge in graph.edges if edge.target_id == group.id})
            ),
            " ".join(
                sorted({edge.target_id for edge in graph.edges if edge.source_id == group.id})
            ),
        )
        for group in graph.groups
    ]
    headings = ("GROUP", "OF", "NODES", "MADE FROM", "WENT INTO")
    yield from Table(headings, right=("NODES",)).lines(rows)


def impact_lines(found: Impact) -> Iterator[str]:
    """Yield a table of the versions that are asked for, each followed by its links and servers."""
    rows = [row for each in found.versions for row in _impact_rows(each)]
    headings = ("VERSION", "TYPE", "ALIASES", "HOPS")
    yield from Table(headings, right=("HOPS",)).lines(rows)


def _impact_rows(impacted: ImpactedVersion) -> Iterator[Sequence[str]]:
    yield (
        impacted.version.ref,
        impacted.version.type,
        ", ".join(impacted.aliases),
        str(impacted.depth),
    )
    for link in impacted.links:
        yield f"  {link.ref}", "link", ", ".join(link.aliases), ""
    for deployment in impacted.deployments:
        name = f"{deployment.name} on {deployment.host}"
        yield f"  {name}, serving {deployment.version_ref}", "server", deployment.alias, ""
    if impacted.is_truncated:
        yield "  ... and more", "", "", ""


def provenance_lines(found: Provenance) -> Iterator[str]:
    """Yield sources and steps, each with what it needs and makes."""
    for node in found.sources:
        yield f"source  {node.ref}  {node.digest}{' DELETED' if node.deleted_at else ''}"
    for number, step in enumerate(found.steps, 1):
        yield f"{number}. {_title(step)}"
        for name, text in _facts(step).items():
            if text:
                yield f"   {name:<8} {text}"
        for node in step.inputs:
            yield f"   used     {node.ref}  {node.digest}"
        for node in step.outputs:
            yield f"   made     {node.ref}  {node.digest}"


def _title(step: ProvenanceStep) -> str:
    if step.run is None:
        return "derived without a run"
    return f"{step.run.job_type or 'run'}:{step.run.display_name}  ({step.run.ref})"


def _facts(step: ProvenanceStep) -> Mapping[str, str]:
    if step.run is None:
        return {}
    return {
        "state": step.run.state.value,
        "commit": " ".join(filter(None, (step.run.git_commit, step.run.git_remote))),
        "command": " ".join(step.run.command_line),
        "config": step.run.config_json if step.run.config_json != "{}" else "",
    }
