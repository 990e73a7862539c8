"""Where things go without Graphviz: columns from left to right, by the library `fast-sugiyama`.

The library says which column each box is in, how they are ordered there so that few arrows cross,
and how high they are; arrows over more than one column have a place of their own in each. Widths,
gaps and curves are ours. Arrows bend between columns only, so none runs through a box.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hydria.lineage.pictures.boxes import Drawing
from hydria.lineage.pictures.curves import Waypoint, routes_of
from hydria.lineage.pictures.errors import PictureUnavailableError
from hydria.lineage.pictures.geometry import (
    BOX_HEIGHT,
    MARGIN,
    Lettering,
    Place,
    Sheet,
    courses_of,
)

_ROW_GAP = 16.0
_LOOP_ROOM = 20.0  # for an arrow from a box to itself
_LANE_HEIGHT = 24.0  # the room of an arrow in a column that it passes
_COLUMN_GAP_MIN = 46.0
_COLUMN_GAP_MAX = 150.0
_LABEL_ROOM = 24.0
_STEEPNESS = 6.0  # the steeper arrows are, the more room they get

_Pair = tuple[int, int]
_Chain = Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What hangs together. Items are the numbers of boxes and, above those, of passing arrows."""

    columns: Sequence[Sequence[int]]
    heights: Mapping[int, float]
    chains: Sequence[_Chain]
    """The items that each arrow goes through, its boxes included."""


@dataclass(slots=True, kw_only=True)
class _Placing:
    """Puts part below part."""

    names: Sequence[str]
    letterings: Mapping[str, Lettering]
    row_gap: float
    column_gap_min: float
    top: float
    places: dict[str, Place] = field(default_factory=dict)
    ways: dict[tuple[str, str], Sequence[Waypoint]] = field(default_factory=dict)

    def add(self, part: _Part) -> None:
        """Place a part, and the ways of its arrows."""
        lefts, widths = self._columns(part)
        column_of = {item: at for at, items in enumerate(part.columns) for item in items}
        shift = self.top + BOX_HEIGHT / 2 - min(part.heights.values())

        for item, height in part.heights.items():
            if item < len(self.names):
                at = column_of[item]
                self.places[self.names[item]] = Place(
                    left=lefts[at], top=height + shift - BOX_HEIGHT / 2, width=widths[at]
                )
        for first, *passed, last in part.chains:
            self.ways[self.names[first], self.names[last]] = [
                Waypoint(
                    left=lefts[column_of[item]],
                    right=lefts[column_of[item]] + widths[column_of[item]],
                    height=part.heights[item] + shift,
                )
                for item in passed
            ]
        self.top = max(part.heights.values()) + shift + BOX_HEIGHT / 2 + self.row_gap

    def _columns(self, part: _Part) -> tuple[list[float], list[float]]:
        """Return where the columns begin, and how wide they are."""
        column_of = {item: at for at, items in enumerate(part.columns) for item in items}
        steepest = [0.0] * len(part.columns)
        for near, far in itertools.chain.from_iterable(map(itertools.pairwise, part.chains)):
            rise = abs(part.heights[near] - part.heights[far])
            steepest[column_of[near]] = max(steepest[column_of[near]], rise)
        lefts, widths, left = [], [], MARGIN
        for items, rise in zip(part.columns, steepest, strict=True):
            boxes = [item for item in items if item < len(self.names)]
            width = max(self.letterings[self.names[box]].box_width for box in boxes)
            lefts.append(left)
            widths.append(width)
            left += width + min(self.column_gap_min + rise / _STEEPNESS, _COLUMN_GAP_MAX)
        return lefts, widths

    def add_alone(self, names: Sequence[str]) -> None:
        """Place boxes without arrows: in rows, about as wide as they are high."""
        if not names:
            return
        width = max(self.letterings[name].box_width for name in names)
        pitch_across, pitch_down = width + self.row_gap, BOX_HEIGHT + self.row_gap
        row_length = math.ceil(math.sqrt(len(names) * pitch_down / pitch_across))
        for number, name in enumerate(names):
            row, column = divmod(number, row_length)
            self.places[name] = Place(
                left=MARGIN + column * pitch_across, top=self.top + row * pitch_down, width=width
            )


def column_sheet(drawing: Drawing, letterings: Mapping[str, Lettering]) -> Sheet:
    """Return where boxes and arrows go.

    Raises:
        PictureUnavailableError: the library is not installed.
    """
    courses = courses_of(drawing)
    between = [course for course in courses if course.left != course.right]
    joined = {name for course in between for name in (course.left, course.right)}
    names = [name for name in drawing.boxes if name in joined]
    numbers = {name: number for number, name in enumerate(names)}
    pairs = sorted({(numbers[course.left], numbers[course.right]) for course in between})
    loop_room = _LOOP_ROOM if len(between) < len(courses) else 0.0
    placing = _Placing(
        names=names,
        letterings=letterings,
        row_gap=_ROW_GAP + loop_room,
        column_gap_min=_COLUMN_GAP_MIN
        + (_LABEL_ROOM if any(arrow.label for arrow in drawing.arrows) else 0.0),
        top=MARGIN + loop_room,
    )
    for part in sorted(_parts_of(pairs, len(names), placing.row_gap), key=_first_box):
        placing.add(part)
    placing.add_alone([name for name in drawing.boxes if name not in joined])
    places = placing.places
    return Sheet(
        width=max((place.right for place in places.values()), default=0.0) + MARGIN,
        height=max((place.bottom for place in places.values()), default=0.0) + MARGIN,
        places=places,
        routes=tuple(routes_of(courses, places, placing.ways)),
    )


def _first_box(part: _Part) -> int:
    return min(part.heights)


def _parts_of(pairs: Sequence[_Pair], box_count: int, row_gap: float) -> Iterator[_Part]:
    """Let the library lay out what hangs together. Boxes must be numbered from 0 on."""
    try:
        from fast_sugiyama import from_edges
    except ImportError as error:
        raise PictureUnavailableError(
            "a picture needs Graphviz (its program `dot`), or: pip install 'hydria[pictures]'"
        ) from error
    for positions, _, _, links in from_edges(
        list(pairs),
        vertex_spacing=BOX_HEIGHT + row_gap,
        dummy_vertices=True,
        dummy_size=_LANE_HEIGHT,
    ):
        # The library draws from top to bottom, and the other way up.
        items = [(int(item), float(down), -round(across, 3)) for item, (down, across) in positions]
        turn = _turn([(item, down) for item, down, _ in items if item < box_count])
        found: dict[float, list[tuple[float, int]]] = defaultdict(list)
        for item, down, across in items:
            found[across].append((turn * down, item))
        columns = [sorted(found[across]) for across in sorted(found)]
        yield _Part(
            columns=[[item for _, item in column] for column in columns],
            heights=_apart(columns, box_count, row_gap),
            chains=_chains([(int(near), int(far)) for near, far in links or ()], box_count),
        )


def _turn(boxes: Sequence[tuple[int, float]]) -> int:
    """Return -1 if a part looks better upside down: with its first boxes above the later ones."""
    middle = sum(number for number, _ in boxes) / len(boxes)
    return 1 if sum((number - middle) * height for number, height in boxes) >= 0 else -1


def _apart(
    columns: Sequence[Sequence[tuple[float, int]]], box_count: int, row_gap: float
) -> Mapping[int, float]:
    """Return how high items are, with whatever is too near to the one above it moved down."""
    heights: dict[int, float] = {}
    for column in columns:
        free = -math.inf
        for wanted, item in column:
            half = (BOX_HEIGHT + row_gap if item < box_count else _LANE_HEIGHT) / 2
            heights[item] = max(wanted, free + half)
            free = heights[item] + half
    return heights


def _chains(links: Sequence[_Pair], box_count: int) -> list[_Chain]:
    """Return the items of each arrow, of which the library says from where to where each link is.

    A passing arrow has one link in and one link out.
    """
    following = {source: target for source, target in links if source >= box_count}
    chains: list[_Chain] = []
    for source, target in links:
        if source < box_count:
            chain = [source, target]
            while chain[-1] >= box_count:
                chain.append(following[chain[-1]])
            chains.append(chain)
    return chains
