"""Graphviz's `dot`, where it is installed: it says where things go, or makes the whole PNG."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from hydria.lineage.pictures.boxes import Drawing
from hydria.lineage.pictures.errors import PictureTooLargeError, PictureUnavailableError
from hydria.lineage.pictures.geometry import (
    BOX_HEIGHT,
    MARGIN,
    Course,
    Lettering,
    Place,
    Point,
    Route,
    Sheet,
    courses_of,
)

TIMEOUT_SECONDS = 60.0
_INCH = 72.0


def dot_program() -> str | None:
    """Return the path of `dot`, or None where there is none."""
    return shutil.which("dot")


def run_dot(program: str, text: str, *flags: str) -> bytes:
    """Return what `dot` makes of a graph in its language.

    Raises:
        PictureTooLargeError: it takes too long.
        PictureUnavailableError: it fails.
    """
    try:
        done = subprocess.run(
            [program, *flags],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PictureTooLargeError(
            f"{program} needs more than {TIMEOUT_SECONDS:.0f} seconds for so large a graph:"
            " take fewer nodes, a smaller depth, or groups"
        ) from None
    except OSError as error:
        raise PictureUnavailableError(f"{program} does not run: {error.strerror}") from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise PictureUnavailableError(f"{program} failed with {done.returncode}: {said}")
    return done.stdout


def dot_sheet(program: str, drawing: Drawing, letterings: Mapping[str, Lettering]) -> Sheet:
    """Return where `dot` puts boxes and arrows. It is told no names, and numbers instead.

    Raises as `run_dot`.
    """
    names = {name: f"n{number}" for number, name in enumerate(drawing.boxes)}
    courses = courses_of(drawing)
    lines = [
        "digraph {",
        "rankdir=LR; nodesep=0.25; ranksep=0.65;",
        'node [shape=box, fixedsize=true, label=""]; edge [arrowhead=none, fontsize=10];',
    ]
    for name, lettering in letterings.items():
        size = f"width={lettering.box_width / _INCH:.3f}, height={BOX_HEIGHT / _INCH:.3f}"
        lines.append(f"{names[name]} [{size}];")
    lines += [_edge_line(number, names, course) for number, course in enumerate(courses)]
    found = run_dot(program, "\n".join([*lines, "}"]), "-Tplain").decode()
    return _sheet_of(found, names, courses)


def _edge_line(number: int, names: Mapping[str, str], course: Course) -> str:
    ports = "" if course.left == course.right else ", tailport=e, headport=w"
    label = f', label="{"0" * len(course.arrow.label)}"' if course.arrow.label else ""
    return f'{names[course.left]} -> {names[course.right]} [style="s{number}"{ports}{label}];'


def _sheet_of(text: str, names: Mapping[str, str], courses: Sequence[Course]) -> Sheet:
    numbers = {number: name for name, number in names.items()}
    places: dict[str, Place] = {}
    routes: dict[int, Route] = {}
    sheet_width = sheet_height = 0.0

    def point(across: str, up: str) -> Point:
        return float(across) * _INCH + MARGIN, sheet_height - float(up) * _INCH + MARGIN

    for line in text.splitlines():
        match line.split(" "):
            case ["graph", _, width, height]:
                sheet_width, sheet_height = float(width) * _INCH, float(height) * _INCH
            case ["node", number, across, up, width, *_]:
                (middle, half_way), box_width = point(across, up), float(width) * _INCH
                top, left = half_way - BOX_HEIGHT / 2, middle - box_width / 2
                places[numbers[number]] = Place(left=left, top=top, width=box_width)
            case ["edge", _, _, count, *rest]:
                values, rest = rest[: 2 * int(count)], rest[2 * int(count) :]
                points = [point(*pair) for pair in zip(values[::2], values[1::2], strict=True)]
                edge = int(rest[-2].removeprefix("s"))
                label_at = point(rest[1], rest[2]) if len(rest) > 2 else None
                points = points[::-1] if courses[edge].is_backward else points
                routes[edge] = Route(points=tuple(points), label_at=label_at)
    return Sheet(
        width=sheet_width + 2 * MARGIN,
        height=sheet_height + 2 * MARGIN,
        places=places,
        routes=tuple(routes[edge] for edge in range(len(courses))),
    )
