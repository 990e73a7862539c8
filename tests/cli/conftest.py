"""The command, run in this process against the real server program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hydria.cli.main import run
from tests.servers import server_process


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        """Return the one document on standard output."""
        assert self.out, self.err
        return json.loads(self.out)

    def row(self) -> dict[str, object]:
        """Return it when it is an object."""
        row = self.json()
        assert isinstance(row, dict)
        return row

    def rows(self) -> list[dict[str, object]]:
        """Return it when it is an array."""
        rows = self.json()
        assert isinstance(rows, list)
        return rows


Hydria = Callable[..., Finished]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one server for all tests here, and give its address."""
    flags = ("--webhook-networks", "127.0.0.0/8")  # where the targets of webhooks are
    with server_process(tmp_path_factory.mktemp("cli") / "data", *flags) as running:
        yield running.address


@pytest.fixture
def hydria(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Hydria:
    """Give a function that runs a command in `tmp_path`, without any server to be found."""
    for name in ("HYDRIA_ENTITY", "HYDRIA_PROJECT", "HYDRIA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HYDRIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HYDRIA_DATA", str(tmp_path / "no server here"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Finished(code, captured.out, captured.err)

    return call


@pytest.fixture
def served(hydria: Hydria, server: str, monkeypatch: pytest.MonkeyPatch) -> Hydria:
    """Give the same function, where the environment names a server."""
    monkeypatch.setenv("HYDRIA_BASE_URL", server)
    return hydria


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Give a collection of an entity that no other test uses, and so of an empty domain."""
    return f"{request.node.name.split('[')[0]}/birds/things"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a small tree: two files at the top, one below."""
    root = tmp_path / "files"
    (root / "below").mkdir(parents=True)
    (root / "one.txt").write_text("one\n")
    (root / "two words.txt").write_text("two\n")
    (root / "below" / "three.txt").write_text("three\n")
    return root
