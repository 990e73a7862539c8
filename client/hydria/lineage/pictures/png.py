"""Pictures as PNG: from the SVG by the library `resvg-py`, or by Graphviz."""

from __future__ import annotations

import math
from functools import cache

from hydria.lineage.pictures.errors import PictureTooLargeError, PictureUnavailableError
from hydria.lineage.pictures.geometry import Sheet
from hydria.lineage.pictures.lettering import FONT_FAMILY

_ZOOM = 2.0  # screens have twice the pixels that SVG counts in
_ZOOM_MIN = 0.5  # below it nobody reads anything
_PIXELS_MAX = 64_000_000  # 256 MB while it is drawn


def can_render() -> bool:
    """Return whether the library is installed."""
    try:
        import resvg_py  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def png_of_svg(svg: str, sheet: Sheet) -> bytes:
    """Return a picture of a sheet as PNG, in twice its size if that is not too large.

    Raises:
        PictureTooLargeError: it would not be readable in a size that memory has room for.
        PictureUnavailableError: there is no font on this machine.
    """
    zoom = min(_ZOOM, math.sqrt(_PIXELS_MAX / (sheet.width * sheet.height)))
    if zoom < _ZOOM_MIN:
        raise PictureTooLargeError(
            f"{sheet.width:,.0f} x {sheet.height:,.0f} pixels are too many for a PNG:"
            " take SVG, fewer nodes, a smaller depth, or groups"
        )
    if not _has_fonts():
        raise PictureUnavailableError(
            f"this machine has no font to draw text with, of {FONT_FAMILY}: install one"
            " (fonts-dejavu-core on Debian), or take SVG"
        )
    return _render(svg, zoom)


@cache
def _has_fonts() -> bool:
    """Return whether a letter leaves a trace."""
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    letter = f'<text x="2" y="16" font-family="{FONT_FAMILY}">M</text>'
    return _render(frame.format(letter), 1.0) != _render(frame.format(""), 1.0)


def _render(svg: str, zoom: float) -> bytes:
    import resvg_py

    return resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom)
