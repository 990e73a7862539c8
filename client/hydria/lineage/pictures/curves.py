"""How arrows run from box to box through the places that they have in the columns between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydria.lineage.pictures.geometry import BOX_HEIGHT, Course, Place, Point, Route

_PORT_PITCH = 7.0
_LANE_PITCH = 4.0
_LABEL_AT = 0.36  # not half-way, where arrows that cross meet
_LOOP_HEIGHT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """A place of an arrow in a column that it passes: it is level there."""

    left: float
    right: float
    height: float


Ways = Mapping[tuple[str, str], Sequence[Waypoint]]


def routes_of(courses: Sequence[Course], places: Mapping[str, Place], ways: Ways) -> list[Route]:
    """Return the routes of all courses, in their order.

    Args:
        courses: the arrows.
        places: the boxes by their names.
        ways: the waypoints from box to box, by the names of the left and the right one.
    """
    ports = _ports(courses, places, ways)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    routes = []
    for number, course in enumerate(courses):
        if course.left == course.right:
            routes.append(_loop(places[course.left]))
            continue
        lane = seen[course.left, course.right] * _LANE_PITCH
        seen[course.left, course.right] += 1
        stops = [
            Waypoint(left=each.left, right=each.right, height=each.height + lane)
            for each in ways.get((course.left, course.right), ())
        ]
        start = (places[course.left].right, ports[number, course.left])
        end = (places[course.right].left, ports[number, course.right])
        points = _bent(start, stops, end)
        if course.is_backward:
            points = points[::-1]
        routes.append(Route(points=tuple(points), label_at=_point_of(points[:4], _LABEL_AT)))
    return routes


def _bent(start: Point, stops: Sequence[Waypoint], end: Point) -> list[Point]:
    """Return curves between the columns, and straight lines through them."""
    points = [start]
    for stop in stops:
        points += _curve(points[-1], (stop.left, stop.height))
        points += _straight((stop.left, stop.height), (stop.right, stop.height))
    return points + _curve(points[-1], end)


def _curve(start: Point, end: Point) -> list[Point]:
    half_way = (start[0] + end[0]) / 2
    return [(half_way, start[1]), (half_way, end[1]), end]


def _straight(start: Point, end: Point) -> list[Point]:
    return [start, end, end]


def _loop(place: Place) -> Route:
    """Return a way from a box to itself, over its top."""
    start, end = place.right - place.width * 0.3, place.left + place.width * 0.3
    above = place.top - _LOOP_HEIGHT
    points = ((start, place.top), (start, above), (end, above), (end, place.top))
    return Route(points=points, label_at=_point_of(points, 0.5))


def _point_of(curve: Sequence[Point], part: float) -> Point:
    """Return the point of a cubic curve at a part of it, from 0 to 1."""
    rest = 1 - part
    weights = (rest**3, 3 * rest**2 * part, 3 * rest * part**2, part**3)
    across = sum(weight * point[0] for weight, point in zip(weights, curve, strict=True))
    down = sum(weight * point[1] for weight, point in zip(weights, curve, strict=True))
    return across, down


def _ports(
    courses: Sequence[Course], places: Mapping[str, Place], ways: Ways
) -> Mapping[tuple[int, str], float]:
    """Return at which height each arrow meets its boxes: side by side, in the order of its ways."""
    sides: dict[tuple[str, bool], list[tuple[float, int]]] = defaultdict(list)
    for number, course in enumerate(courses):
        if course.left != course.right:
            stops = ways.get((course.left, course.right), ())
            first = stops[0].height if stops else places[course.right].middle
            last = stops[-1].height if stops else places[course.left].middle
            sides[course.left, True].append((first, number))
            sides[course.right, False].append((last, number))
    ports = {}
    for (name, _), arrows in sides.items():
        room = BOX_HEIGHT / 2
        pitch = min(_PORT_PITCH, room / max(len(arrows) - 1, 1))
        top = places[name].middle - pitch * (len(arrows) - 1) / 2
        for place, (_, number) in enumerate(sorted(arrows)):
            ports[number, name] = top + place * pitch
    return ports
