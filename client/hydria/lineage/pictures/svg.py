"""A sheet as SVG. Names are whatever users called things: all text goes through the XML writer."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from hydria.lineage.pictures.boxes import LINE, Arrow, Box, Drawing
from hydria.lineage.pictures.geometry import (
    BOX_HEIGHT,
    CAPTION_SIZE,
    LABEL_SIZE,
    TITLE_SIZE,
    Lettering,
    Place,
    Point,
    Route,
    Sheet,
)
from hydria.lineage.pictures.lettering import FONT_FAMILY

_TEXT = "#202124"
_CAPTION = "#5f6368"
_ARROW = "#7a7f85"


def svg_text(drawing: Drawing, letterings: Mapping[str, Lettering], sheet: Sheet) -> str:
    """Return the picture as an SVG document."""
    width, height = _number(sheet.width), _number(sheet.height)
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": width,
            "height": height,
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-label": f"Lineage, {len(drawing.boxes)} nodes",
            "font-family": FONT_FAMILY,
        },
    )
    _add_arrow_head(root)
    SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    lines = SubElement(root, "g", {"fill": "none", "stroke": _ARROW, "stroke-width": "1.2"})
    for route in sheet.routes:
        SubElement(lines, "path", {"d": _path(route), "marker-end": "url(#arrow)"})
    boxes = SubElement(root, "g", {"text-anchor": "middle", "fill": _TEXT})
    for name, place in sheet.places.items():
        _add_box(boxes, drawing.boxes[name], letterings[name], place)
    for arrow, route in zip(drawing.arrows, sheet.routes, strict=True):
        if arrow.label and route.label_at is not None:
            _add_label(boxes, arrow, route.label_at)
    return tostring(root, encoding="unicode")


def _add_arrow_head(root: Element) -> None:
    marker = SubElement(
        SubElement(root, "defs"),
        "marker",
        {
            "id": "arrow",
            "viewBox": "0 0 10 10",
            "refX": "9.5",
            "refY": "5",
            "markerWidth": "9",
            "markerHeight": "9",
            "markerUnits": "userSpaceOnUse",
            "orient": "auto",
        },
    )
    SubElement(marker, "path", {"d": "M0 1L10 5L0 9z", "fill": _ARROW})


def _add_box(parent: Element, box: Box, lettering: Lettering, place: Place) -> None:
    """Add a box with its text, and with all that is known of it for who points at it."""
    group = SubElement(parent, "g")
    _add_text(group, "title", "\n".join(filter(None, (box.label, box.detail))), {})
    shape = {
        "x": _number(place.left),
        "y": _number(place.top),
        "width": _number(place.width),
        "height": _number(BOX_HEIGHT),
        "rx": _number(BOX_HEIGHT / 2) if box.is_run else "3",
        "fill": box.fill,
        "stroke": LINE,
    }
    if box.is_root:
        shape["stroke-width"] = "2.5"
    if box.is_broken:
        shape["stroke-dasharray"] = "5 3"
    SubElement(group, "rect", shape)
    middle = _number(place.left + place.width / 2)
    weight = {"font-weight": "bold"} if box.is_root else {}
    at = {"x": middle, "y": _number(place.top + 16), "font-size": _number(CAPTION_SIZE)}
    _add_text(group, "text", lettering.caption, {**at, "fill": _CAPTION})
    at = {"x": middle, "y": _number(place.top + 32), "font-size": _number(TITLE_SIZE)}
    _add_text(group, "text", lettering.title, {**at, **weight})


def _add_label(parent: Element, arrow: Arrow, at: Point) -> None:
    """Add how many edges an arrow stands for, on a ground of its own."""
    halo = {"stroke": "#ffffff", "stroke-width": "4", "paint-order": "stroke"}
    place = {"x": _number(at[0]), "y": _number(at[1] + LABEL_SIZE * 0.36)}
    _add_text(
        parent,
        "text",
        arrow.label,
        {**place, "font-size": _number(LABEL_SIZE), "fill": _CAPTION, **halo},
    )


def _add_text(parent: Element, tag: str, text: str, attributes: Mapping[str, str]) -> None:
    SubElement(parent, tag, dict(attributes)).text = text


def _path(route: Route) -> str:
    start, *rest = (f"{_number(across)} {_number(down)}" for across, down in route.points)
    return f"M{start}C{' '.join(rest)}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
