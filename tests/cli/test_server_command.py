"""`hydria server` becomes the server program, or says what is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "hydria.cli.main", "server"]


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    return {**clean, **more}


def test_it_passes_its_flags_on_and_stops_at_sigterm(tmp_path: Path) -> None:
    flags = ["--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--json"]
    (tmp_path / "hydria_server.py").write_text("raise SystemExit('the wrong one')")
    with subprocess.Popen(
        [*COMMAND, *flags],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            announced = json.loads(process.stdout.readline())
            assert (
                announced["pid"] == process.pid
            )  # it became the server, and has no parent of ours
            assert announced["data"] == str(tmp_path / "data")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [(("--help",), 0, "--reserve-bytes"), (("--nonsense",), 2, "unrecognized arguments")],
)
def test_help_and_usage_are_those_of_the_server(
    flags: tuple[str, ...], code: int, words: str
) -> None:
    done = subprocess.run(
        [*COMMAND, *flags], env=environment(), capture_output=True, text=True, timeout=60
    )

    assert done.returncode == code
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize("missing", ["lark", "SQLAlchemy"])
def test_without_its_needs_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    packages = Path(sysconfig.get_path("purelib"))
    for entry in packages.iterdir():
        if not entry.name.lower().startswith(missing.lower()):
            (tmp_path / entry.name).symlink_to(entry)
    paths = [str(tmp_path), str(ROOT / "client"), str(ROOT / "server")]

    done = subprocess.run(
        [sys.executable, "-S", *COMMAND[1:]],
        env=environment(PYTHONPATH=os.pathsep.join(paths)),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert f"{missing.lower()} is missing" in done.stderr.lower()
    assert "pip install 'hydria[server]'" in done.stderr
    assert done.stdout == ""
