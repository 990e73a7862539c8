"""DVC with a remote on the same disk; its programs, because that is what its users call."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.peer import PeerMissingError, require, run_commands


class DvcDeployment:
    """A Git repository with DVC in it, and a remote beside it."""

    def __init__(self, dvc: Path, repository: Path) -> None:
        self._dvc = str(dvc)
        self._repository = repository

    def up(self, source: Path) -> Mapping[str, float]:
        data = self._repository / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(source, data)
        commands = [[self._dvc, "add", "-q", "data"], [self._dvc, "push", "-q"]]
        return run_commands(commands, self._repository)

    def down(self, target: Path) -> Mapping[str, float]:
        shutil.rmtree(self._repository / ".dvc" / "cache")
        shutil.rmtree(self._repository / "data")
        measured = run_commands([[self._dvc, "pull", "-q"]], self._repository)
        (self._repository / "data").rename(target)
        return measured


class DvcRemote:
    """`dvc add` and `dvc push`; `dvc pull` without a cache. No server, no sync."""

    name = "DVC, local remote"

    @contextmanager
    def deploy(self, work: Path) -> Iterator[DvcDeployment]:
        dvc, git = require("dvc"), shutil.which("git")
        if git is None:
            raise PeerMissingError("git is not installed")
        repository = work / "repository"
        repository.mkdir(parents=True)
        commands = [
            [git, "init", "-q"],
            [str(dvc), "init", "-q"],
            [str(dvc), "config", "core.analytics", "false"],
            [str(dvc), "remote", "add", "-q", "-d", "beside", "../remote"],
        ]
        run_commands(commands, repository)
        yield DvcDeployment(dvc, repository)
