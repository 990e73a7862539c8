"""The README's quick starts do what they say, as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import hydria
from hydria.cli.main import run
from tests.servers import server_process

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "data").mkdir(parents=True)
    (folder / "fixes").mkdir()
    (folder / "data" / "labels.csv").write_text("a,b\n1,2\n")
    (folder / "data" / "old.csv").write_text("old\n")
    (folder / "fixes" / "labels.csv").write_text("a,b\n1,3\n")
    return folder


def _commands() -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    lines = next(block for block in blocks if "hydria artifact put" in block).splitlines()
    runnable = [line for line in lines if line.startswith(("hydria artifact", "hydria alias"))]
    return [line.split("#")[0].split("|")[0].strip() for line in runnable]


def _environ(address: str, work: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    cache = str(work.parent / "cache")
    return {**clean, "HYDRIA_BASE_URL": address, "HYDRIA_CACHE_DIR": cache}


def _lines_of(program: str, address: str, work: Path) -> list[str]:
    """Run a Python program, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=work,
        env=_environ(address, work),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_commands_of_the_quick_start_run_in_their_order(
    tmp_path: Path,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with server_process(tmp_path / "store") as server:
        monkeypatch.chdir(work)
        for name in os.environ.keys() - _environ(server.address, work).keys():
            monkeypatch.delenv(name)
        for name, value in _environ(server.address, work).items():
            monkeypatch.setenv(name, value)
        for command in _commands():
            program, *arguments = shlex.split(command)
            assert program == "hydria"
            assert run(arguments) == 0, (command, capfd.readouterr().err)
    assert (work / "copy" / "labels.csv").read_text() == "a,b\n1,2\n"


def test_what_is_read_in_place_is_read_as_the_quick_start_has_it(
    tmp_path: Path, work: Path
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[2:4]
    with zipfile.ZipFile(work / "data" / "images.zip", "w") as archive:
        archive.writestr("one.png", b"1")
    weights = {"head.weight": np.arange(3)}
    safetensors.numpy.save_file(weights, str(work / "model.safetensors"))
    with server_process(tmp_path / "store") as server:
        with hydria.Client(server.address, cache_dir=tmp_path / "cache") as client:
            client.log("vision/digits", work / "data", type="dataset", aliases=["clean"])
            model = work / "model.safetensors"
            client.log("vision/net", model, type="model", aliases=["production"])
        lines = _lines_of("import hydria\n" + "\n".join(blocks), server.address, work)
    assert lines == ["['one.png']", "   a  b", "0  1  2", "[0 1 2]"]
    assert sorted(path.name for path in (work / "some").iterdir()) == ["labels.csv", "old.csv"]


def test_the_python_of_the_quick_start_runs(tmp_path: Path, work: Path) -> None:
    match = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert match
    with server_process(tmp_path / "store") as server:
        lines = _lines_of(match[1], server.address, work)
    assert lines == [
        "local/vision/digits:v0 12",
        "local/vision/digits:v1",
        "True",
        "8",
    ]


def test_the_run_of_the_quick_start_remembers_what_it_used_and_made(
    tmp_path: Path, work: Path
) -> None:
    block = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (work / "model").mkdir()
    (work / "model" / "weights").write_bytes(b"weights")
    with server_process(tmp_path / "store") as server:
        with hydria.Client(server.address, cache_dir=tmp_path / "cache") as client:
            client.log("vision/digits", work / "data", type="dataset", aliases=["production"])
        lines = _lines_of("import hydria\n" + block, server.address, work)
        with hydria.Client(server.address, project="vision") as client:
            (run,) = client.runs.list()
            (metric,) = client.runs.last_metrics(run.ref)
    assert lines == [
        "['dataset:digits:v0', 'model:net:v0']",
        f"['model:net:v0', 'train:{run.display_name}', 'dataset:digits:v0']",
    ]
    assert (run.state, metric.value) == (hydria.RunState.FINISHED, 0.01)
