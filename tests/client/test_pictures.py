"""Pictures of lineage: where things go, by either tool, and what is written there."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hydria.lineage.drawing import to_png, to_svg
from hydria.lineage.graphs import GroupedLineage, LineageGraph
from hydria.lineage.pictures import drawn, graphviz, png
from hydria.lineage.pictures.boxes import Drawing, drawing_of
from hydria.lineage.pictures.columns import column_sheet
from hydria.lineage.pictures.errors import PictureTooLargeError, PictureUnavailableError
from hydria.lineage.pictures.geometry import BOX_HEIGHT, Place, Route, Sheet, lettering_of
from hydria.lineage.pictures.lettering import shorten, text_width
from hydria.lineage.records import RunState
from tests.lineage_graphs import graph, grouped, node, random_graph

SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"
TOOLS = ("dot", "columns")

SOME_GROUPS = grouped(
    [("dataset", 1234), ("model", 12), ("run:load", 3), ("run:train", 40), ("run:", 1)],
    [
        ("dataset", "run:load", 3),
        ("run:load", "dataset", 3),
        ("dataset", "run:train", 80),
        ("run:train", "model", 12),
        ("model", "run:train", 7),
        ("dataset", "dataset", 55),
    ],
)


@pytest.fixture
def dot(tmp_path: Path) -> Path:
    """Give a folder with a `dot`: the real one of the development tools, or of this machine."""
    folder = tmp_path / "graphviz"
    folder.mkdir()
    program = shutil.which("graphviz-pure", path=Path(sys.executable).parent)
    found = program or shutil.which("dot")
    assert found is not None, "`make setup` installs graphviz-pure"
    (folder / "dot").symlink_to(found)
    return folder


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, dot: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let one of the two tools say where things go."""
    monkeypatch.setenv("PATH", str(dot if request.param == "dot" else dot.parent))
    return str(request.param)


def drawn_by(tool: str, shown: LineageGraph | GroupedLineage) -> tuple[Drawing, Sheet]:
    drawing = drawing_of(shown)
    letterings = {name: lettering_of(box) for name, box in drawing.boxes.items()}
    program = graphviz.dot_program()
    assert (program is None) == (tool == "columns")
    if program is None:
        return drawing, column_sheet(drawing, letterings)
    return drawing, graphviz.dot_sheet(program, drawing, letterings)


def overlap(one: Place, other: Place) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


def points_along(route: Route) -> list[tuple[float, float]]:
    """Return twenty points of each curve of a route."""
    found = []
    for first in range(0, len(route.points) - 1, 3):
        curve = route.points[first : first + 4]
        for step in range(21):
            part, rest = step / 20, 1 - step / 20
            weights = (rest**3, 3 * rest**2 * part, 3 * rest * part**2, part**3)
            across = sum(weight * x for weight, (x, _) in zip(weights, curve, strict=True))
            down = sum(weight * y for weight, (_, y) in zip(weights, curve, strict=True))
            found.append((across, down))
    return found


@pytest.mark.parametrize("reach", [2, 5, 1000])
@pytest.mark.parametrize("run_count", [3, 8, 21])
def test_no_two_boxes_overlap_and_all_of_it_is_on_the_sheet(
    tool: str, run_count: int, reach: int
) -> None:
    drawing, sheet = drawn_by(tool, random_graph(7, run_count=run_count, reach=reach))
    places = list(sheet.places.values())
    assert sheet.places.keys() == drawing.boxes.keys()
    assert not [pair for pair in itertools.combinations(places, 2) if overlap(*pair)]
    assert all(place.left > 0 and place.right < sheet.width for place in places)
    assert all(place.top > 0 and place.bottom < sheet.height for place in places)
    points = [point for route in sheet.routes for point in points_along(route)]
    assert all(0 < x < sheet.width and 0 < y < sheet.height for x, y in points)


def test_arrows_go_from_left_to_right_and_meet_their_boxes(tool: str) -> None:
    drawing, sheet = drawn_by(tool, random_graph(3, run_count=21))
    for arrow, route in zip(drawing.arrows, sheet.routes, strict=True):
        source, target = sheet.places[arrow.source], sheet.places[arrow.target]
        assert source.right < target.left
        (start, height), end = route.points[0], route.points[-1]
        assert (start, end[0]) == pytest.approx((source.right, target.left), abs=1.5)
        assert source.top < height < source.bottom
        assert target.top < end[1] < target.bottom


@pytest.mark.parametrize("seed", range(12))
def test_no_arrow_runs_through_a_box_of_others(seed: int) -> None:
    drawing = drawing_of(random_graph(seed, run_count=21, reach=(3, 10, 1000)[seed % 3]))
    letterings = {name: lettering_of(box) for name, box in drawing.boxes.items()}
    sheet = column_sheet(drawing, letterings)
    for arrow, route in zip(drawing.arrows, sheet.routes, strict=True):
        others = [
            place
            for name, place in sheet.places.items()
            if name not in (arrow.source, arrow.target)
        ]
        for x, y in points_along(route):
            inside = [p for p in others if p.left < x < p.right and p.top < y < p.bottom]
            assert not inside, arrow


def test_what_goes_in_a_circle_is_drawn_and_counted(tool: str) -> None:
    drawing, sheet = drawn_by(tool, SOME_GROUPS)
    assert len(sheet.routes) == len(drawing.arrows) == 6
    back = next(
        route
        for arrow, route in zip(drawing.arrows, sheet.routes, strict=True)
        if (arrow.source, arrow.target) == ("run:load", "dataset")
    )
    assert back.points[0][0] == pytest.approx(sheet.places["run:load"].left, abs=1.5)
    assert back.points[-1][0] == pytest.approx(sheet.places["dataset"].right, abs=1.5)
    texts = [text.text for text in ElementTree.fromstring(to_svg(SOME_GROUPS)).iter(f"{SVG}text")]
    assert texts.count("3") == 2
    assert {"55", "80", "12", "7", "1,234 versions", "40 runs", "1 run"} <= set(texts)


def test_boxes_without_arrows_are_in_rows(tool: str) -> None:
    _, sheet = drawn_by(tool, graph([node(f"v{n}", f"dataset:a:v{n}") for n in range(50)], []))
    places = list(sheet.places.values())
    assert not [pair for pair in itertools.combinations(places, 2) if overlap(*pair)]
    if tool == "columns":
        assert 0.5 < sheet.width / sheet.height < 2


def test_nothing_is_an_empty_picture(tool: str) -> None:
    assert to_svg(graph([], [])).startswith("<svg ")
    assert to_png(graph([], [])).startswith(PNG)


# --- names --------------------------------------------------------------------------------------

NAMES = (
    "<script>alert(1)</script>:v0",
    "a & b \"quoted\" 'x' ]]> &amp;",
    "🦊 漢字の名前 модель:v12",
    "control \x00\x1b\ud800 \\n\\G {a|b}",
    "very long " * 100 + ":v1234",
    "W" * 128 + ":v7",
)


def test_names_are_text_whatever_is_in_them(tool: str) -> None:
    nodes = [node(f'"{number}>', f"model:{name}") for number, name in enumerate(NAMES)]
    chain = [(one.id, other.id) for one, other in itertools.pairwise(nodes)]
    picture = to_svg(graph(nodes, chain))
    root = ElementTree.fromstring(picture.encode())
    assert "<script" not in picture
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "defs", "marker", "path", "rect", "g", "title", "text"}
    tips = [tip.text or "" for tip in root.iter(f"{SVG}title")]
    for name in (*NAMES[:3], *NAMES[4:]):
        assert any(tip.startswith(f"model:{name}\n") for tip in tips), name
    assert any("control \ufffd\ufffd\ufffd" in tip for tip in tips)
    shown = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert NAMES[1] in shown
    assert any(text.startswith("very long") and text.endswith("…:v1234") for text in shown)
    assert to_png(graph(nodes, chain)).startswith(PNG)


def test_text_fits_its_box_in_the_font_that_it_is_meant_for() -> None:
    """Measure with the font itself, which the library of our plots ships."""
    import matplotlib
    from PIL import ImageFont

    fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
    plain = ImageFont.truetype(fonts / "DejaVuSans.ttf", 120)
    bold = ImageFont.truetype(fonts / "DejaVuSans-Bold.ttf", 120)
    for title in (
        "mnist-raw:v1", "sunny-smoke-1", "illi fill till", "WWWMMM@@@", "модель-обучения:v3",
        "Größe_àéîõü", "ΑΒΓ αβγδ", "(a) [b] {c} #1 50%", *NAMES[:2], NAMES[5], "a" * 200,
    ):  # fmt: skip
        for is_root in (False, True):
            kept = graph([node("v", f"dataset:{title}")], [], roots=["v"] if is_root else [])
            (box,) = drawing_of(kept).boxes.values()
            lettering = lettering_of(box)
            real = (bold if is_root else plain).getlength(lettering.title) / 10
            assert real <= lettering.box_width - 16, lettering
            assert lettering.box_width <= 240


def test_a_shortened_name_keeps_its_version() -> None:
    assert shorten("short:v1", 12, 200) == "short:v1"
    kept = shorten("long" * 50 + ":v1234", 12, 200)
    assert kept.startswith("longlong")
    assert kept.endswith("…:v1234")
    assert text_width(kept, 12) <= 200


def test_runs_are_round_and_what_is_gone_has_a_broken_line() -> None:
    nodes = [
        node("a", "dataset:a:v0", is_deleted=True),
        node("b", "train:b", state=RunState.CRASHED),
        node("c", "train:c", state=RunState.FINISHED),
    ]
    root = ElementTree.fromstring(to_svg(graph(nodes, [], roots=["c"])))
    boxes = {
        (group.find(f"{SVG}title").text or "").split("\n")[0]: group.find(f"{SVG}rect").attrib  # type: ignore[union-attr]
        for group in root.iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None
    }
    assert boxes["dataset:a:v0"]["fill"] == "#fef7e0"
    assert boxes["train:b"]["fill"] == "#e8f0fe"
    assert float(boxes["train:b"]["rx"]) == BOX_HEIGHT / 2
    assert [name for name, box in boxes.items() if "stroke-dasharray" in box] == [
        "dataset:a:v0",
        "train:b",
    ]
    assert [name for name, box in boxes.items() if "stroke-width" in box] == ["train:c"]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"dataset · deleted", "train · crashed", "train"} <= set(texts)


# --- tools --------------------------------------------------------------------------------------


def test_without_any_tool_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    for draw in (to_svg, to_png):
        with pytest.raises(PictureUnavailableError, match=r"pip install 'hydria\[pictures\]'"):
            draw(random_graph(1, run_count=3))


def test_graphviz_alone_draws_both_kinds(monkeypatch: pytest.MonkeyPatch, dot: Path) -> None:
    monkeypatch.setenv("PATH", str(dot))
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    nodes = [node(str(number), f"model:{name}") for number, name in enumerate(NAMES)]
    assert to_svg(graph(nodes, [])).startswith("<svg ")
    assert to_png(graph(nodes, [("0", "1")])).startswith(PNG)
    assert to_png(SOME_GROUPS).startswith(PNG)


def test_a_dot_that_hangs_or_fails_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, path = tmp_path / "dot", os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{path}")
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(PictureUnavailableError, match="failed with 3: broken"):
        to_svg(SOME_GROUPS)
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    monkeypatch.setattr(graphviz, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(PictureTooLargeError, match="groups"):
        to_svg(SOME_GROUPS)
    program.write_text("no program")
    with pytest.raises(PictureUnavailableError, match="does not run"):
        to_svg(SOME_GROUPS)


def test_a_graph_too_large_to_look_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "BOXES_MAX", 20)
    with pytest.raises(PictureTooLargeError, match="groups"):
        to_svg(random_graph(1, run_count=21))
    monkeypatch.setattr(png, "_PIXELS_MAX", 10_000)
    with pytest.raises(PictureTooLargeError, match="SVG"):
        to_png(random_graph(1, run_count=5))


def test_a_machine_without_fonts_gets_no_picture_without_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import resvg_py

    render = resvg_py.svg_to_bytes

    def without_fonts(*, svg_string: str, zoom: float) -> bytes:
        return render(svg_string=svg_string, zoom=zoom, skip_system_fonts=True)

    monkeypatch.setattr(resvg_py, "svg_to_bytes", without_fonts)
    png._has_fonts.cache_clear()
    try:
        with pytest.raises(PictureUnavailableError, match="font"):
            to_png(SOME_GROUPS)
    finally:
        png._has_fonts.cache_clear()
