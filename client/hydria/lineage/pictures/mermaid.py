"""A drawing as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Mapping

from hydria.lineage.pictures.boxes import RUN_FILL, VERSION_FILL, Box, Drawing


def mermaid_text(drawing: Drawing) -> str:
    """Return a drawing as a Mermaid flowchart, data flowing from left to right."""
    names = {name: f"n{place}" for place, name in enumerate(drawing.boxes)}
    lines = ["flowchart LR"]
    for name, box in drawing.boxes.items():
        begin, end = ("([", "])") if box.is_run else ("[", "]")
        lines.append(f"  {names[name]}{begin}{_quoted(box.label)}{end}")
    for arrow in drawing.arrows:
        label = f"|{_quoted(arrow.label)}|" if arrow.label else ""
        lines.append(f"  {names[arrow.source]} -->{label} {names[arrow.target]}")
    lines += _classes({names[name]: box for name, box in drawing.boxes.items()})
    return "\n".join(lines)


def _classes(boxes: Mapping[str, Box]) -> list[str]:
    styles = {
        "run": (
            f"fill:{RUN_FILL},stroke:#555",
            [name for name, box in boxes.items() if box.is_run],
        ),
        "version": (
            f"fill:{VERSION_FILL},stroke:#555",
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


def _quoted(text: str) -> str:
    """Return a text in quotes, in which nothing is markup."""
    return '"' + "".join(_entity(character) for character in text) + '"'


def _entity(character: str) -> str:
    if character.isalnum() or character in " :_-.,()":
        return character
    return f"#{ord(character)};"
