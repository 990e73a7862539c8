"""Where boxes and arrows are on a sheet, in pixels from its upper left corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydria.lineage.pictures.boxes import Arrow, Box, Drawing
from hydria.lineage.pictures.lettering import shorten, text_width

CAPTION_SIZE = 10.0
TITLE_SIZE = 12.0
LABEL_SIZE = 10.0
BOX_HEIGHT = 42.0
MARGIN = 20.0

_TEXT_WIDTH_MIN = 56.0
_TEXT_WIDTH_MAX = 210.0
_PADDING = 14.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """What is written into a box, and how wide that makes it."""

    caption: str
    title: str
    box_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a box is."""

    left: float
    top: float
    width: float

    @property
    def right(self) -> float:
        """The other end of it."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower end of it."""
        return self.top + BOX_HEIGHT

    @property
    def middle(self) -> float:
        """Half-way down."""
        return self.top + BOX_HEIGHT / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where an arrow runs: Bézier curves, each from the last point by two controls to the next."""

    points: tuple[Point, ...]
    label_at: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A drawing with a place for all that is in it; routes are in the order of its arrows."""

    width: float
    height: float
    places: Mapping[str, Place]
    routes: tuple[Route, ...]


def lettering_of(box: Box) -> Lettering:
    """Return what to write into a box; names may have any length, boxes may not."""
    title = shorten(box.title, TITLE_SIZE, _TEXT_WIDTH_MAX, bold=box.is_root)
    caption = shorten(box.caption, CAPTION_SIZE, _TEXT_WIDTH_MAX)
    width = max(
        text_width(title, TITLE_SIZE, bold=box.is_root),
        text_width(caption, CAPTION_SIZE),
        _TEXT_WIDTH_MIN,
    )
    return Lettering(caption=caption, title=title, box_width=width + 2 * _PADDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """An arrow as it lies in a drawing in which all goes from left to right.

    Edges may go in a circle: a run used what a later one logged. Some arrows of each circle are
    `is_backward`, and then `left` is where they end.
    """

    arrow: Arrow
    left: str
    right: str
    is_backward: bool


def courses_of(drawing: Drawing) -> Sequence[Course]:
    """Return the courses of all arrows, so that they make no circle, but for those of one box."""
    backward = _closing_circles(drawing)
    return [
        Course(
            arrow=arrow,
            left=arrow.target if (arrow.source, arrow.target) in backward else arrow.source,
            right=arrow.source if (arrow.source, arrow.target) in backward else arrow.target,
            is_backward=(arrow.source, arrow.target) in backward,
        )
        for arrow in drawing.arrows
    ]


def _closing_circles(drawing: Drawing) -> set[tuple[str, str]]:
    """Return the edges that lead back to where a walk came through: without them, none is left."""
    targets: dict[str, list[str]] = {name: [] for name in drawing.boxes}
    for arrow in drawing.arrows:
        if arrow.source != arrow.target:
            targets[arrow.source].append(arrow.target)
    reached = {target for found in targets.values() for target in found}
    closing: set[tuple[str, str]] = set()
    done: set[str] = set()
    for start in sorted(drawing.boxes, key=reached.__contains__):  # what nothing leads to first
        on_the_way = {start: iter(targets[start])} if start not in done else {}
        while on_the_way:
            name = next(reversed(on_the_way))
            target = next(on_the_way[name], None)
            if target is None:
                done.add(name)
                del on_the_way[name]
            elif target in on_the_way:
                closing.add((name, target))
            elif target not in done:
                on_the_way[target] = iter(targets[target])
    return closing
