"""What a peer must do to be measured. Needs the standard library only."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv-peers" / "bin"


class PeerMissingError(Exception):
    """A peer is not installed, or does not start; the message says which and why."""


class Deployment(Protocol):
    """A peer that stands ready, with an empty store."""

    def up(self, source: Path) -> Mapping[str, float]:
        """Store the files of a folder as the next version; return `seconds` and what else it took.

        What the peer acknowledges is what counts: no peer is asked to sync.
        """
        ...

    def down(self, target: Path) -> Mapping[str, float]:
        """Put the files of the newest version into a folder that is not there yet."""
        ...


class Peer(Protocol):
    """Something else that stores versions of files."""

    name: str

    def deploy(self, work: Path) -> AbstractContextManager[Deployment]:
        """Stand ready below an empty folder until the block is left.

        Raises:
            PeerMissingError: it is not installed, or does not start.
        """
        ...


def require(program: str) -> Path:
    """Return a program of the peers' environment.

    Raises:
        PeerMissingError: it is not there.
    """
    path = BIN / program
    if not path.exists():
        raise PeerMissingError(f"{program} is not in {BIN.parent.name}")
    return path


def require_module(module: str) -> None:
    """See that the peers' environment can import a module.

    Raises:
        PeerMissingError: it cannot.
    """
    command = [str(require("python")), "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissingError((done.stderr.strip().splitlines() or ["it cannot be imported"])[-1])


def run_module(module: str, *arguments: str) -> dict[str, float]:
    """Run a module of the harness in the peers' environment; return what it measured."""
    command = [str(require("python")), "-m", module, *arguments]
    quiet = {"GIT_PYTHON_REFRESH": "quiet", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    environ = {**os.environ, **quiet}
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, env=environ
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def run_commands(commands: Sequence[Sequence[str]], folder: Path) -> dict[str, float]:
    """Run programs one after the other; return the time and processor time of all."""
    before, begun_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun_at
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "client_cpu_seconds": cpu}
