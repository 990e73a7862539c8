"""A drawing in Graphviz's language."""

from __future__ import annotations

from hydria.lineage.pictures.boxes import LINE, Drawing


def dot_text(drawing: Drawing) -> str:
    """Return a drawing in Graphviz's language, data flowing from left to right."""
    lines = [
        "digraph lineage {",
        "  rankdir=LR;",
        '  node [fontname="sans-serif", fontsize=11, style=filled];',
        f'  edge [fontname="sans-serif", fontsize=9, color="{LINE}"];',
    ]
    for name, box in drawing.boxes.items():
        shape = "ellipse" if box.is_run else "box"
        style = ', style="filled,dashed"' if box.is_broken else ""
        width = ", penwidth=2.5" if box.is_root else ""
        look = f'shape={shape}, fillcolor="{box.fill}"{style}{width}'
        lines.append(f"  {_quoted(name)} [label={_quoted(box.label)}, {look}];")
    for arrow in drawing.arrows:
        label = f" [label={_quoted(arrow.label)}]" if arrow.label else ""
        lines.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)}{label};")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    """Return a text in quotes: a backslash begins an escape, which no name may smuggle in."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
