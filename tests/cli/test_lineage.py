"""`hydria lineage`: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import hydria as library
from tests.cli.conftest import Hydria
from tests.openlineage_events import dataset, event, new_run_id, texts


@pytest.fixture
def project(server: str, name: str, tmp_path: Path) -> str:
    """Make raw -> load -> clean -> train -> net -> check, and return the project."""
    entity, project, _ = name.split("/")
    (tmp_path / "raw").write_text("raw")
    with library.Client(
        server, entity=entity, project=project, cache_dir=tmp_path / "cache"
    ) as client:
        client.log("raw", tmp_path / "raw", type="dataset")
        source = "raw"
        for step, made in (("load", "clean"), ("train", "net"), ("check", "report")):
            (tmp_path / made).write_text(made)
            with client.runs.begin(run_id=step, job_type=step, display_name="one") as run:
                run.use(source)
                run.log(made, tmp_path / made, type="model" if made == "net" else "dataset")
            source = made
    return f"{entity}/{project}"


def test_a_tree_shows_both_ways(served: Hydria, project: str) -> None:
    done = served("lineage", f"{project}/net")
    assert done.code == 0
    assert [line.partition("  (")[0].rstrip() for line in done.out.splitlines()] == [
        "model:net:v0",
        "  made from",
        "  └─ train:one",
        "     └─ dataset:clean:v0",
        "        └─ load:one",
        "           └─ dataset:raw:v0",
        "  went into",
        "  └─ check:one",
        "     └─ dataset:report:v0",
    ]
    assert done.err == ""


def test_a_tree_marks_where_there_is_more(served: Hydria, project: str) -> None:
    done = served("lineage", f"{project}/net", "--up", "--depth", "1")
    assert done.out.splitlines()[-1] == f"  └─ train:one  ({project}/runs/train FINISHED) *"
    assert "there is more" in done.err
    down = served("lineage", f"{project}/runs/train", "--down")
    assert "load" not in down.out


def test_json_has_nodes_and_edges(served: Hydria, project: str) -> None:
    for arguments in (("--json",), ("--format", "json")):
        row = served("lineage", f"{project}/net", "--up", *arguments).row()
        nodes, edges = row["nodes"], row["edges"]
        assert isinstance(nodes, list)
        assert isinstance(edges, list)
        assert [node["ref"] for node in nodes][:2] == [f"{project}/net:v0", f"{project}/runs/train"]
        assert (edges[0]["source"], edges[0]["target"]) == (nodes[1]["id"], nodes[0]["id"])
        assert (row["truncated_by_depth"], row["frontier"]) == (False, [])


def test_groups_are_shown_as_a_table_and_as_json(served: Hydria, project: str) -> None:
    said = served("lineage", f"{project}/raw", "--grouped", "--depth", "9").out.splitlines()
    assert said[0].split() == ["GROUP", "OF", "NODES", "MADE", "FROM", "WENT", "INTO"]
    assert said[1].split()[:3] == ["dataset", "versions", "3"]
    row = served("lineage", f"{project}/raw", "--grouped", "--json").row()
    groups = row["groups"]
    assert isinstance(groups, list)
    assert "run:train" in [group["id"] for group in groups]


def test_filters_and_formats_go_together(served: Hydria, project: str) -> None:
    dot = served("lineage", f"{project}/net", "--format", "dot", "--type", "model").out
    assert dot.startswith("digraph lineage {")
    assert "dataset:" not in dot
    flow = served("lineage", f"{project}/net", "--format", "mermaid", "--job-type", "load").out
    assert flow.startswith("flowchart LR")
    assert "train:one" not in flow


def test_what_is_wrong_is_said(served: Hydria, project: str) -> None:
    assert served("lineage").code == 2
    assert served("lineage", f"{project}/net", "--depth", "0").code == 2
    assert served("lineage", f"{project}/net", "--format", "dot", "--json").code == 2
    assert served("lineage", "a/b/c/d/e").code == 2
    done = served("lineage", f"{project}/none", "--json")
    assert (done.code, done.out) == (1, "")


def test_provenance_lists_sources_and_steps(served: Hydria, project: str) -> None:
    done = served("lineage", "provenance", f"{project}/net")
    lines = done.out.splitlines()
    assert lines[0].startswith(f"source  {project}/raw:v0  blake3:")
    assert f"1. load:one  ({project}/runs/load)" in lines
    assert f"2. train:one  ({project}/runs/train)" in lines
    row = served("lineage", "provenance", f"{project}/net", "--json").row()
    steps = row["steps"]
    assert isinstance(steps, list)
    assert [step["run"]["id"] for step in steps] == ["load", "train"]
    assert steps[0]["run"]["config"] == {}
    cut = served("lineage", "provenance", f"{project}/net", "--nodes", "2")
    assert "there is more" in cut.err
    assert served("lineage", "provenance").code == 2
    assert served("lineage", "provenance", f"{project}/none").code == 1


def test_impact_lists_what_has_an_alias(served: Hydria, project: str) -> None:
    nothing = served("lineage", "impact", f"{project}/raw")
    assert (nothing.code, nothing.out) == (0, "")
    assert served("alias", "set", f"{project}/net:v0", "production").code == 0
    lines = served("lineage", "impact", f"{project}/raw").out.splitlines()
    assert lines[1].split() == [f"{project}/net:v0", "model", "production", "4"]
    row = served("lineage", "impact", f"{project}/raw", "--json").row()
    versions = row["versions"]
    assert isinstance(versions, list)
    assert (versions[0]["aliases"], len(versions[0]["path"])) == (["production"], 5)
    assert "there is more" in served("lineage", "impact", f"{project}/raw", "--nodes", "2").err


def test_impact_tells_links_and_who_serves_them(served: Hydria, project: str, server: str) -> None:
    entity = project.partition("/")[0]
    model = f"{entity}/model-registry/Net"
    link = served("registry", "link", f"{project}/net", model, "--alias", "production")
    assert link.code == 0
    with library.Client(server) as client:
        client.deployments.report(
            f"{model}:production", name="api", host="pod-1", alias="production"
        )
    lines = served("lineage", "impact", f"{project}/raw").out.splitlines()
    assert [line.split() for line in lines[1:]] == [
        [f"{project}/net:v0", "model", "4"],
        [f"{model}:v0", "link", "production"],
        ["api", "on", "pod-1,", "serving", f"{model}:v0", "server", "production"],
    ]
    versions = served("lineage", "impact", f"{project}/raw", "--json").row()["versions"]
    assert isinstance(versions, list)
    (version,) = versions
    assert version["links"] == [{"ref": f"{model}:v0", "aliases": ["production"]}]
    assert [each["ref"] for each in version["deployments"]] == [f"{model}:v0"]
    assert (version["deployments"][0]["state"], version["truncated"]) == ("LIVE", False)


def test_a_link_is_asked_about_as_its_source(served: Hydria, project: str) -> None:
    model = f"{project.partition('/')[0]}/model-registry/Net"
    link = served("registry", "link", f"{project}/net", model, "--alias", "production")
    assert link.code == 0
    ref = f"{model}:production"
    tree = served("lineage", ref)
    assert tree.out == served("lineage", f"{project}/net").out
    assert tree.out.startswith("model:net:v0")
    assert f"({project}/net:v0)" in tree.out.splitlines()[0]
    for question in ("provenance", "impact"):
        asked = served("lineage", question, ref, "--json").row()
        assert asked == served("lineage", question, f"{project}/net", "--json").row()
        node = asked["node"]
        assert isinstance(node, dict)
        assert node["ref"] == f"{project}/net:v0"
    groups = served("lineage", ref, "--grouped", "--json").row()
    assert groups == served("lineage", f"{project}/net", "--grouped", "--json").row()


def test_pictures_go_to_a_file_or_into_a_pipe(
    served: Hydria, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = served("lineage", f"{project}/net", "--format", "svg")
    assert (piped.code, piped.err) == (0, "")
    assert piped.out.startswith("<svg ")
    for shape in ((), ("--grouped",)):
        for format_, begin in (("svg", b"<svg "), ("png", b"\x89PNG"), ("dot", b"digraph")):
            file = tmp_path / f"graph.{format_}"
            arguments = ("--format", format_, "-o", file, *shape)
            done = served("lineage", f"{project}/net", *arguments)
            assert (done.code, done.out, done.err) == (0, "", "")
            assert file.read_bytes().startswith(begin)
    done = served("lineage", f"{project}/net", "--format", "svg", "-o", tmp_path / "no" / "x.svg")
    assert (done.code, done.out) == (1, "")
    assert "x.svg: No such file or directory" in done.err
    assert served("lineage", f"{project}/net", "--json", "-o", tmp_path / "x").code == 2
    assert served("lineage", f"{project}/net", "--format", "png", "--json").code == 2
    monkeypatch.setattr("hydria.cli.lineage._is_terminal", lambda: True)
    for format_ in ("svg", "png"):
        refused = served("lineage", f"{project}/net", "--format", format_)
        assert (refused.code, refused.out) == (2, "")
        assert "-o" in refused.err


def test_without_a_tool_for_pictures_the_error_says_what_to_install(
    served: Hydria, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    done = served("lineage", f"{project}/net", "--format", "svg", "-o", tmp_path / "x.svg")
    assert (done.code, done.out) == (1, "")
    assert "pip install 'hydria[pictures]'" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "x.svg").exists()


def test_help_names_the_questions(hydria: Hydria) -> None:
    assert "provenance" in hydria("lineage", "--help").out


def test_runs_go_out_as_events_and_come_in_again(
    served: Hydria, project: str, tmp_path: Path
) -> None:
    done = served("lineage", f"{project}/net", "--format", "openlineage")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [(each["job"]["name"], each["eventType"]) for each in events] == [
        (job, type_) for job in ("load", "train", "check") for type_ in ("START", "COMPLETE")
    ]

    (tmp_path / "lines.jsonl").write_text(f"\ufeff\n{done.out}\n\n")
    (tmp_path / "array.json").write_text(f" \n[{', '.join(lines)}\n]\n")
    for file in ("lines.jsonl", "array.json"):
        row = served("lineage", "ingest", file, "--project", project, "--json").row()
        assert (row["events"], row["ignored"], row["new_edges"]) == (6, 0, 0)
        assert row["runs"] == [f"{project}/runs/{name}" for name in ("load", "train", "check")]
    copied = served("lineage", "ingest", "array.json", "--project", "copies/p")
    assert copied.out == "6 events of 3 runs; 6 new edges\n"


def test_events_of_other_systems_come_from_standard_input(
    served: Hydria, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = event(new_run_id(), inputs=[dataset("a")], outputs=[dataset("b")])
    data = "\n".join(texts(told)).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    done = served("lineage", "ingest", "-", "--project", project)
    assert (done.code, done.out) == (0, "1 events of 1 runs; 2 new edges\n")


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b'{"run": {}}', 1, "events[0]: $"),
        (b"[5]", 1, "events[0]: $: 5 is not of type 'object'"),
        (b"[{}", 2, "no comma"),
        (b"[{},]", 2, "no event after a comma"),
        (b"[] []", 2, "more after it"),
        (b"[" * 100_000, 2, "no JSON array"),
        (b"\xff", 2, "UTF-8"),
        (b"{}" + b" " * (2 << 20), 2, "event 0 has more than"),
    ],
)
def test_files_that_are_no_events_are_refused(
    served: Hydria, tmp_path: Path, content: bytes, code: int, said: str
) -> None:
    (tmp_path / "events").write_bytes(content)
    done = served("lineage", "ingest", "events", "--project", "local/none")
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_ingesting_says_what_it_lacks(served: Hydria, project: str) -> None:
    assert served("lineage", "ingest", "none.jsonl", "--project", project).code == 2
    assert served("lineage", "ingest", "-").code == 2
    wrong = ("--grouped", "--format", "openlineage")
    assert served("lineage", f"{project}/net", *wrong).code == 2
    assert served("lineage", f"{project}/net", "--json", *wrong[1:]).code == 2
