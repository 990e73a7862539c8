"""From a graph to a picture: what draws it is chosen here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hydria.lineage.graphs import GroupedLineage, LineageGraph
from hydria.lineage.pictures.boxes import Box, Drawing, drawing_of
from hydria.lineage.pictures.columns import column_sheet
from hydria.lineage.pictures.dot import dot_text
from hydria.lineage.pictures.errors import PictureTooLargeError, PictureUnavailableError
from hydria.lineage.pictures.geometry import Lettering, Sheet, lettering_of
from hydria.lineage.pictures.graphviz import dot_program, dot_sheet, run_dot
from hydria.lineage.pictures.lettering import shorten
from hydria.lineage.pictures.png import can_render, png_of_svg
from hydria.lineage.pictures.svg import svg_text

BOXES_MAX = 2_000

_DOT_FONT_SIZE = 11.0
_DOT_WIDTH_MAX = 260.0


def svg_of(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph as an SVG document. Raises as `drawing.to_svg`."""
    svg, _ = _drawn(_drawing_of(graph))
    return svg


def png_of(graph: LineageGraph | GroupedLineage) -> bytes:
    """Return a graph as PNG. Raises as `drawing.to_png`."""
    drawing, program = _drawing_of(graph), dot_program()
    if can_render():
        return png_of_svg(*_drawn(drawing))
    if program is None:
        raise PictureUnavailableError(
            "a PNG needs Graphviz (its program `dot`), or: pip install 'hydria[pictures]'"
        )
    boxes = {name: _shortened(box) for name, box in drawing.boxes.items()}
    return run_dot(program, dot_text(Drawing(boxes, drawing.arrows)), "-Tpng", "-Gdpi=144")


def _drawing_of(graph: LineageGraph | GroupedLineage) -> Drawing:
    drawing = drawing_of(graph)
    if len(drawing.boxes) > BOXES_MAX:
        raise PictureTooLargeError(
            f"{len(drawing.boxes):,} nodes are more than a picture can show ({BOXES_MAX:,}):"
            " take fewer nodes, a smaller depth, or groups"
        )
    return drawing


def _drawn(drawing: Drawing) -> tuple[str, Sheet]:
    letterings = {name: lettering_of(box) for name, box in drawing.boxes.items()}
    sheet = _sheet_of(drawing, letterings)
    return svg_text(drawing, letterings, sheet), sheet


def _sheet_of(drawing: Drawing, letterings: Mapping[str, Lettering]) -> Sheet:
    """Return where things go: by Graphviz where it is installed, else by the library."""
    program = dot_program()
    if program is not None:
        return dot_sheet(program, drawing, letterings)
    return column_sheet(drawing, letterings)


def _shortened(box: Box) -> Box:
    return replace(box, label=shorten(box.label, _DOT_FONT_SIZE, _DOT_WIDTH_MAX))
