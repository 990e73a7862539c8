"""What is wrong with the arguments is said before anything else happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Hydria

PUT = ("artifact", "put", "one.txt", "--name", "local/demo/things")


@pytest.fixture(autouse=True)
def one_file(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("one\n")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("artifact", "--help"), ("artifact", "put", "-h")]
)
def test_help_loads_neither_grpc_nor_asyncio(arguments: tuple[str, ...]) -> None:
    program = (
        "import sys\n"
        "from hydria.cli.main import run\n"
        f"assert run({arguments!r}) == 0\n"
        "print([name for name in ('grpc', 'google.protobuf', 'asyncio', 'rich', 'blake3')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert "Usage: hydria" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(hydria: Hydria) -> None:
    top, artifact, alias = hydria("--help"), hydria("artifact", "--help"), hydria("alias", "-h")

    assert all(
        f"\n  {name} " in top.out for name in ("alias", "artifact", "cache", "ping", "server")
    )
    commands = ("put", "get", "ls", "show", "files", "cat", "rm")
    assert all(f"\n  {name} " in artifact.out for name in commands)
    assert all(f"\n  {name} " in alias.out for name in ("set", "rm"))


def test_the_version_is_the_one_that_is_installed(hydria: Hydria) -> None:
    from importlib.metadata import version

    assert hydria("--version").out == f"hydria, version {version('hydria')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("artifact",),
        ("artifact", "put"),
        ("artifact", "put", "--name", "a/b/c"),
        ("artifact", "put", "one.txt"),
        ("artifact", "get"),
        ("artifact", "cat", "a/b/c"),
        ("artifact", "show", "a/b/c", "d/e/f"),
        ("artifact", "ls", "a/b/c/d"),
        ("artifact", "ls", "a//c"),
        ("artifact", "ls", ""),
        ("artifact", "ls", "a", "--limit", "0"),
        ("artifact", "ls", "a", "--limit", "many"),
        ("artifact", "get", "a/b/c", "--root", "one.txt"),
        ("alias", "set", "a/b/c"),
        ("alias", "rm", "a/b/c"),
        ("ping", "--nonsense"),
        ("ping", "--server", "ftp://somewhere"),
        ("--server", "host:notaport", "ping"),
        ("--server", "127.0.0.1:1", "server"),
    ],
)
def test_wrong_usage_exits_with_2_and_prints_nothing_to_standard_output(
    hydria: Hydria, arguments: tuple[str, ...]
) -> None:
    done = hydria(*arguments)

    assert done.code == 2
    assert "Usage: hydria" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[1]", "not an object"),
        ("3", "not an object"),
        ('{"a": NaN}', "NaN is not in JSON"),
        ('{"a": 1} {', "Extra data"),
        ("[" * 100_000, "recursion"),
        ("@nowhere.json", "nowhere.json: No such file"),
        ("@.", "Is a directory"),
        ("@latin1.json", "not text in UTF-8"),
    ],
)
def test_malformed_metadata_is_wrong_usage_and_is_named(
    hydria: Hydria, tmp_path: Path, metadata: str, problem: str
) -> None:
    (tmp_path / "latin1.json").write_bytes(b'{"a": "\xe9"}')

    done = hydria(*PUT, "--metadata", metadata)

    assert done.code == 2
    assert "--metadata" in done.err
    assert problem in done.err


def test_a_path_that_does_not_exist_is_wrong_usage_and_is_named(hydria: Hydria) -> None:
    done = hydria("artifact", "put", "one.txt", "not there.txt", "--name", "a/b/c")

    assert done.code == 2
    assert "not there.txt" in done.err


@pytest.mark.parametrize("ref", ["local/demo/things", "local/demo/things:", "local/demo/things@"])
def test_rm_wants_to_be_told_which_version(hydria: Hydria, ref: str) -> None:
    done = hydria("artifact", "rm", ref)

    assert done.code == 2
    assert "local/demo/things:vN" in done.err


def test_an_argument_that_is_no_text_is_one_line(hydria: Hydria) -> None:
    done = hydria("--server", "127.0.0.1:1", "artifact", "show", "a/b/\udcff")

    assert done.code == 1
    assert done.err == "hydria: an argument is not text in UTF-8: 'a/b/\\udcff'\n"


def test_no_server_is_one_line_that_says_how_to_start_one(hydria: Hydria) -> None:
    done = hydria("ping", "--server", "127.0.0.1:1", "--json")

    assert done.code == 1
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert "no Hydria server answers at grpc://127.0.0.1:1" in done.err
    assert "hydria server" in done.err
    assert "HYDRIA_BASE_URL" in done.err
