"""`hydria registry follow` and `deployments`: what they print, what they run, how they end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Finished, Hydria


@pytest.fixture
def ref(served: Hydria, name: str, files: Path) -> str:
    """Give an alias of a model, and where to find it."""
    put = served(
        *("artifact", "put", files, "--name", name, "--type", "model", "--alias", "production")
    )
    assert put.code == 0
    return f"{name}:production"


def lines(done: Finished) -> list[dict[str, object]]:
    """Return the objects on standard output."""
    return [json.loads(line) for line in done.out.splitlines()]


def test_once_brings_the_directory_up_to_date_and_says_so(
    served: Hydria, ref: str, name: str, tmp_path: Path
) -> None:
    done = served("registry", "follow", ref, "--root", "model", "--once", "--json")
    assert done.code == 0
    fetching, swapped = lines(done)
    assert (fetching["event"], swapped["event"]) == ("fetching", "swapped")
    assert (swapped["ref"], swapped["path"]) == (
        f"{name}:v0",
        str((tmp_path / "model").resolve()),
    )
    assert set(swapped) == {"event", "ref", "path", "message", "seconds", "received_bytes"}
    assert (tmp_path / "model" / "one.txt").read_text() == "one\n"
    again = served("registry", "follow", ref, "--root", "model", "--once")
    assert (again.code, again.out) == (0, f"current  {name}:v0\n")


def test_a_command_gets_the_path_as_its_last_argument_and_no_shell(
    served: Hydria, ref: str, tmp_path: Path
) -> None:
    script = tmp_path / "told.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        "Path('told').write_text('|'.join(sys.argv[1:]))\nprint('loud')\n"
    )
    command = f"{sys.executable} {script} '$HOME; a b'"
    done = served(
        *("registry", "follow", ref, "--root", "model", "--once", "--json", "--exec", command)
    )
    assert done.code == 0
    assert [line["event"] for line in lines(done)] == ["fetching", "swapped", "told"]
    assert (tmp_path / "told").read_text() == f"$HOME; a b|{(tmp_path / 'model').resolve()}"
    assert "loud" in done.err


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("false", "ended with 1"),
        ("/nowhere/at-all", "did not start"),
        ("sh -c 'sleep 60 & sleep 60'", "took longer"),
    ],
)
def test_a_command_that_fails_is_reported_and_the_version_stays(
    served: Hydria, ref: str, tmp_path: Path, command: str, problem: str
) -> None:
    options = ("--exec", command, "--exec-timeout", "0.5", "--once", "--json")
    done = served("registry", "follow", ref, "--root", "model", *options)
    assert done.code == 0
    failed = lines(done)[-1]
    assert failed["event"] == "callback_failed"
    assert problem in str(failed["message"])
    assert (tmp_path / "model" / "one.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("team/birds/c:v3", "--root", "model"), 2, "never moves"),
        (("team/birds/c:x",), 2, "--root"),
        (("team/birds/c:x", "--root", "model", "--exec", "'"), 2, "cannot be split"),
        (("team/birds/c:x", "--root", "model", "--exec", " "), 2, "it is empty"),
        (("team/birds/c:x", "--root", "model", "--label", "zone"), 2, "KEY=VALUE"),
        (("team/birds/c:x", "--root", "model", "--lease", "4"), 2, "--lease"),
        (("team/birds/c:x", "--root", "model", "--once"), 1, "no collection"),
        (("team/birds/c:x", "--root", "files", "--once"), 1, "is no link"),
        (("team/birds/c:x", "--root", "/", "--once"), 1, "cannot be a link"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    served: Hydria, files: Path, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    done = served("registry", "follow", *arguments)
    assert (done.code, done.out) == (code, "")
    assert problem in done.err


def test_following_lasts_until_it_is_told_to_end_and_is_listed_meanwhile(
    served: Hydria, server: str, ref: str, name: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hydria.cli.main", "--server", server, "registry", "follow"]
    options = ["--root", "model", "--json", "--name", "api", "--host", "pod", "--label", "zone=eu"]
    with subprocess.Popen(
        [*command, ref, *options], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as follower:
        assert follower.stdout is not None
        events = [json.loads(follower.stdout.readline())["event"] for _ in range(2)]
        assert events == ["fetching", "swapped"]
        rows: list[dict[str, object]] = []
        while not rows:
            rows = served("registry", "deployments", name, "--json").rows()
        (row,) = rows
        assert set(row) == {
            *("name", "host", "labels", "ref", "alias", "alias_version", "current", "state"),
            *("created_at", "serving_since", "updated_at", "expires_at"),
        }
        assert (row["name"], row["host"], row["labels"]) == ("api", "pod", {"zone": "eu"})
        assert (row["ref"], row["alias"], row["alias_version"]) == (
            *(f"{name}:v0", "production"),
            "v0",
        )
        assert (row["current"], row["state"]) == (True, "LIVE")
        refused = served("artifact", "rm", f"{name}:v0", "--delete-aliases", "--force")
        assert refused.code == 1
        assert "api on pod serves" in refused.err
        assert "registry deployments" in refused.err
        follower.send_signal(signal.SIGTERM)
        assert follower.wait(30) == 0
    assert served("registry", "deployments", name, "--json").rows() == []
    ended = served("registry", "deployments", name, "--filter", "state = ENDED")
    assert ended.out.splitlines()[0].split() == [
        *("NAME", "HOST", "SERVES", "FOLLOWS", "STATE", "SINCE")
    ]
    assert f"{name}:v0" in ended.out
    assert served("registry", "deployments", name, "--filter", "state = GONE").code == 2
