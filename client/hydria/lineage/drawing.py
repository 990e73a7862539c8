"""Graphs as pictures, and as text that other tools draw."""

from __future__ import annotations

from hydria.lineage.graphs import GroupedLineage, LineageGraph
from hydria.lineage.pictures.boxes import drawing_of
from hydria.lineage.pictures.dot import dot_text
from hydria.lineage.pictures.mermaid import mermaid_text


def to_dot(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph in Graphviz's language, data flowing from left to right."""
    return dot_text(drawing_of(graph))


def to_mermaid(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph as a Mermaid flowchart, data flowing from left to right."""
    return mermaid_text(drawing_of(graph))


def to_svg(graph: LineageGraph | GroupedLineage) -> str:
    """Return a graph as an SVG document, data flowing from left to right.

    Graphviz says where things go if its `dot` is installed, else the library of
    `hydria[pictures]`. Both block: on an event loop, call this by `asyncio.to_thread`.

    Raises:
        PictureUnavailableError: neither is there.
        PictureTooLargeError: there are more than 2,000 nodes, or it takes more than a minute.
    """
    from hydria.lineage.pictures.drawn import svg_of

    return svg_of(graph)


def to_png(graph: LineageGraph | GroupedLineage) -> bytes:
    """Return the same picture as PNG, in twice the pixels of the SVG where there is room.

    The library of `hydria[pictures]` draws it. Without that Graphviz does it alone, in its own
    hand. Raises as `to_svg`.

    Raises:
        PictureUnavailableError: or there is no font on this machine.
        PictureTooLargeError: or nobody could read it.
    """
    from hydria.lineage.pictures.drawn import png_of

    return png_of(graph)
