"""`hydria run`, and `put --run`: what they print, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

import hydria as library
from tests.cli.conftest import Hydria


@pytest.fixture
def project(name: str) -> str:
    return name.rpartition("/")[0]


@pytest.fixture
def client(server: str, project: str, tmp_path: Path) -> library.Client:
    entity, _, own = project.partition("/")
    return library.Client(server, entity=entity, project=own, cache_dir=tmp_path / "cache")


@pytest.fixture
def runs(client: library.Client, project: str) -> dict[str, str]:
    """Make two runs, and return their refs by their ids."""
    for run_id, rate in (("first", 0.1), ("second", 0.2)):
        with client.runs.begin(
            run_id=run_id,
            display_name=run_id,
            job_type="train",
            config={"lr": rate, "deep": {"n": 1}},
        ) as run:
            run.log_series("loss", range(100), [rate * step for step in range(100)])
            run.log_metrics({"odd": float("nan")})
    found = {run.display_name: run.ref for run in client.runs.list()}
    client.close()
    return found


def test_runs_are_listed_newest_first(served: Hydria, runs: dict[str, str], project: str) -> None:
    rows = served("run", "ls", project, "--json").rows()
    assert [row["ref"] for row in rows[:2]] == [runs["second"], runs["first"]]
    assert rows[0]["state"] == "FINISHED"
    assert "config" not in rows[0]
    said = served("run", "ls", project, "--filter", "name = first").out
    assert "first" in said
    assert "second" not in said


def test_a_run_is_shown_with_what_it_used_and_logged(
    served: Hydria, runs: dict[str, str], name: str, files: Path
) -> None:
    put = served(
        "artifact", "put", files, "--name", name, "--type", "dataset", "--run", runs["first"]
    )
    assert put.code == 0
    row = served("run", "show", runs["first"], "--json").row()
    assert row["config"] == {"lr": 0.1, "deep": {"n": 1}}
    edges = row["edges"]
    assert isinstance(edges, list)
    (edge,) = edges
    assert (edge["kind"], edge["ref"]) == ("LOGGED", f"{name}:v0")
    said = served("run", "show", runs["first"]).out
    assert f"logged       {name}:v0" in said


def test_a_run_is_named_by_its_id_when_its_project_is_known(
    served: Hydria, runs: dict[str, str], name: str, files: Path
) -> None:
    run_id = runs["second"].rpartition("/")[2]
    reference = files.as_uri()
    done = served(
        "artifact", "put", "--reference", reference, "--name", name, "--type", "dataset",
        "--run", run_id,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert name in served("run", "show", runs["second"]).out
    assert served("artifact", "put", files, "--name", name, "--run", "none").code == 1


def test_metrics_are_shown_as_last_values_and_as_history(
    served: Hydria, runs: dict[str, str]
) -> None:
    rows = served("run", "metrics", runs["first"], "--json").rows()
    assert [(row["key"], row["value"]) for row in rows] == [("loss", 0.1 * 99), ("odd", "NaN")]
    history = served("run", "metrics", runs["first"], "loss", "--points", "5", "--json").row()
    assert history["sampled"] is True
    assert history["steps"] == [19, 39, 59, 79, 99]
    assert history["point_counts"] == [20] * 5
    said = served("run", "metrics", runs["first"], "loss", "--points", "5").out
    assert said.splitlines()[0].split() == ["STEP", "LAST", "LEAST", "GREATEST"]
    assert served("run", "metrics", runs["first"], "none").code == 1


def test_runs_are_compared_leaf_by_leaf(served: Hydria, runs: dict[str, str]) -> None:
    done = served("run", "compare", runs["first"], runs["second"], "--json").row()
    assert done["config"] == {"/lr": [0.1, 0.2]}
    assert done["metrics"] == {"loss": [0.1 * 99, 0.2 * 99]}
    every = served("run", "compare", runs["first"], runs["second"], "--all", "--json").row()
    assert every["config"] == {"/deep/n": [1, 1], "/lr": [0.1, 0.2]}
    assert every["metrics"] == {"loss": [0.1 * 99, 0.2 * 99], "odd": ["NaN", "NaN"]}
    said = served("run", "compare", runs["first"], runs["second"]).out
    assert "config /lr" in said
    assert served("run", "compare", runs["first"]).code == 2
    assert served("run", "show", "a/b/c").code == 2
