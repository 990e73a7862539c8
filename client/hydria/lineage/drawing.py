"""Graphs as text that other tools draw: DOT for Graphviz, and Mermaid for Markdown pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hydria.lineage.graphs import GroupedLineage, LineageGraph
from hydria.lineage.records import LineageNode, NodeKind, RunState

_FAILED = (RunState.FAILED, RunState.CRASHED, RunState.KILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A node as it is drawn: runs are round, what is gone or failed has a broken line."""

    label: str
    is_run: bool
    is_broken: bool = False
    is_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrow:
    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Drawing:
    boxes: Mapping[str, _Box]
    arrows: tuple[_Arrow, ...]


def to_dot(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph in Graphviz's language, data flowing from left to right."""
    drawing = _drawing(graph)
    lines = [
        "digraph lineage {",
        "  rankdir=LR;",
        '  node [fontname="sans-serif", fontsize=11, style=filled];',
        '  edge [fontname="sans-serif", fontsize=9, color="#555555"];',
    ]
    for name, box in drawing.boxes.items():
        shape = (
            'shape=ellipse, fillcolor="#e8f0fe"' if box.is_run else 'shape=box, fillcolor="#fef7e0"'
        )
        style = ', style="filled,dashed"' if box.is_broken else ""
        width = ", penwidth=2.5" if box.is_root else ""
        lines.append(f"  {_dot(name)} [label={_dot(box.label)}, {shape}{style}{width}];")
    for arrow in drawing.arrows:
        label = f" [label={_dot(arrow.label)}]" if arrow.label else ""
        lines.append(f"  {_dot(arrow.source)} -> {_dot(arrow.target)}{label};")
    return "\n".join([*lines, "}"])


def to_mermaid(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph as a Mermaid flowchart, data flowing from left to right."""
    drawing = _drawing(graph)
    names = {name: f"n{place}" for place, name in enumerate(drawing.boxes)}
    lines = ["flowchart LR"]
    for name, box in drawing.boxes.items():
        begin, end = ("([", "])") if box.is_run else ("[", "]")
        lines.append(f"  {names[name]}{begin}{_mermaid(box.label)}{end}")
    for arrow in drawing.arrows:
        label = f"|{_mermaid(arrow.label)}|" if arrow.label else ""
        lines.append(f"  {names[arrow.source]} -->{label} {names[arrow.target]}")
    lines += _classes(
        {names[name]: box for name, box in drawing.boxes.items()},
    )
    return "\n".join(lines)


def _classes(boxes: Mapping[str, _Box]) -> list[str]:
    styles = {
        "run": ("fill:#e8f0fe,stroke:#555", [name for name, box in boxes.items() if box.is_run]),
        "version": (
            "fill:#fef7e0,stroke:#555",
            [name for name, box in boxes.items() if not box.is_run],
        ),
        "broken": (
            "stroke-dasharray:4 3",
            [name for name, box in boxes.items() if box.is_broken],
        ),
        "root": ("stroke-width:3px", [name for name, box in boxes.items() if box.is_root]),
    }
    lines = []
    for name, (style, members) in styles.items():
        if members:
            lines += [f"  classDef {name} {style}", f"  class {','.join(members)} {name}"]
    return lines


def _drawing(graph: LineageGraph | GroupedLineage) -> _Drawing:
    if isinstance(graph, LineageGraph):
        boxes = {
            each.node.id: _Box(
                label=each.node.label,
                is_run=each.node.kind is NodeKind.RUN,
                is_broken=_is_broken(each.node),
                is_root=each.depth == 0,
            )
            for each in graph.nodes
        }
        arrows = [_Arrow(source=edge.source_id, target=edge.target_id) for edge in graph.edges]
        return _Drawing(boxes, tuple(dict.fromkeys(arrows)))
    groups = {
        group.id: _Box(
            label=f"{group.id} ({group.node_count:,})", is_run=group.kind is NodeKind.RUN
        )
        for group in graph.groups
    }
    counts = [
        _Arrow(source=edge.source_id, target=edge.target_id, label=f"{edge.edge_count:,}")
        for edge in graph.edges
    ]
    return _Drawing(groups, tuple(counts))


def _is_broken(node: LineageNode) -> bool:
    return node.deleted_at is not None or node.run_state in _FAILED


def _dot(text: str) -> str:
    """Return a text in quotes: a backslash begins an escape, which no name may smuggle in."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Return a text in quotes, in which nothing is markup."""
    return '"' + "".join(_entity(character) for character in text) + '"'


def _entity(character: str) -> str:
    if character.isalnum() or character in " :_-.,()":
        return character
    return f"#{ord(character)};"
