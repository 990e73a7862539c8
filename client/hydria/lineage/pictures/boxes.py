"""What is drawn of a graph, whoever draws it: a box for each node, an arrow for each edge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hydria.lineage.graphs import GroupedLineage, LineageGraph, LineageGroup
from hydria.lineage.records import LineageNode, NodeKind, RunState

RUN_FILL = "#e8f0fe"
VERSION_FILL = "#fef7e0"
LINE = "#555555"

_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SAD_STATES = (RunState.FAILED, RunState.CRASHED, RunState.KILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node as it is drawn: runs are round, what is gone or failed has a broken line."""

    label: str
    """All of it in one line."""
    caption: str
    """What it is, for a line above the title."""
    title: str
    """Which one it is."""
    detail: str = ""
    """What is told of it when somebody points at it."""
    is_run: bool
    is_broken: bool = False
    is_root: bool = False

    @property
    def fill(self) -> str:
        """The colour of the inside."""
        return RUN_FILL if self.is_run else VERSION_FILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """An edge, from where data comes to where it goes; a label counts, and has digits only."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes by their names, and the arrows between them."""

    boxes: Mapping[str, Box]
    arrows: tuple[Arrow, ...]


def drawing_of(graph: LineageGraph | GroupedLineage) -> Drawing:
    """Return what is to be drawn of a graph."""
    if isinstance(graph, LineageGraph):
        boxes = {
            each.node.id: _node_box(each.node, is_root=each.depth == 0) for each in graph.nodes
        }
        arrows = [Arrow(source=edge.source_id, target=edge.target_id) for edge in graph.edges]
        return Drawing(boxes, tuple(dict.fromkeys(arrows)))
    groups = {group.id: _group_box(group) for group in graph.groups}
    counts = [
        Arrow(source=edge.source_id, target=edge.target_id, label=f"{edge.edge_count:,}")
        for edge in graph.edges
    ]
    return Drawing(groups, tuple(counts))


def _node_box(node: LineageNode, *, is_root: bool) -> Box:
    label, state = _writable(node.label), _sad_state(node)
    kind, _, title = label.partition(":")
    return Box(
        label=label,
        caption=f"{kind} · {state}" if state else kind,
        title=title,
        detail=_writable(node.ref),
        is_run=node.kind is NodeKind.RUN,
        is_broken=bool(state),
        is_root=is_root,
    )


def _sad_state(node: LineageNode) -> str:
    if node.deleted_at is not None:
        return "deleted"
    return node.run_state.value.lower() if node.run_state in _SAD_STATES else ""


def _group_box(group: LineageGroup) -> Box:
    is_run = group.kind is NodeKind.RUN
    noun = "run" if is_run else "version"
    return Box(
        label=_writable(f"{group.id} ({group.node_count:,})"),
        caption=f"{group.node_count:,} {noun}{'' if group.node_count == 1 else 's'}",
        title=_writable(group.type) or "run",
        detail=_writable("\n".join(group.labels)),
        is_run=is_run,
    )


def _writable(text: str) -> str:
    """Return a text in which what neither XML nor Graphviz can have is marked instead."""
    return _UNWRITABLE.sub("\ufffd", text)
