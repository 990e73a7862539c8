"""Where what is served comes from: as a tree in the terminal, and as a picture in a file."""

from __future__ import annotations

from pathlib import Path

from hydria.cli.graph_text import tree_lines
from hydria.demo.words import require, say, tell
from hydria.lineage.drawing import to_png, to_svg
from hydria.lineage.graphs import WalkLimits
from hydria.lineage.pictures.errors import PictureUnavailableError
from hydria.lineage.records import Direction
from hydria.sync import Client

_DEPTH = 20


def show_ancestry(client: Client, served: str, report: str, pictures: Path) -> None:
    """Print the tree of what is served, and draw it with what led to its report."""
    tell("Where does what serves now come from? One question, however far it goes back")
    limits = WalkLimits(max_depth=_DEPTH)
    tree = client.lineage.walk(served, direction=Direction.UPSTREAM, limits=limits)
    for line in tree_lines(tree):
        print(f"  {line}", flush=True)
    drawn = client.lineage.walk(served, report, direction=Direction.UPSTREAM, limits=limits)
    kinds = {each.node.label.partition(":")[0] for each in drawn.nodes}
    wanted = {"load", "preprocess", "train", "evaluate", "dataset", "config", "model", "report"}
    require(kinds == wanted, f"the lineage of {served} has {', '.join(sorted(kinds))}")

    pictures.mkdir(parents=True, exist_ok=True)
    svg, png = pictures / "lineage.svg", pictures / "lineage.png"
    svg.write_text(to_svg(drawn), encoding="utf-8")
    say("picture", str(svg.resolve()))
    try:
        png.write_bytes(to_png(drawn))
        say("", str(png.resolve()))
    except PictureUnavailableError as error:  # a machine without fonts
        say("", f"and no PNG: {error}")
