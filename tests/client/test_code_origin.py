"""What a run finds out about the code that it is, without telling secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.lineage.code_origin import CodeOrigin, find_code_origin, without_secrets


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory, whoever this user is."""
    named = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", "-C", str(directory), *named, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the program that seems to run: a file in a repository of one commit."""
    path = tmp_path / "repository" / "steps" / "train.py"
    path.parent.mkdir(parents=True)
    path.write_text("train()\n")
    git(tmp_path / "repository", "init", "--quiet")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "--quiet", "-m", "begin")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(path), raising=False)
    monkeypatch.setattr(sys, "orig_argv", ["python", "steps/train.py", "--lr", "0.1"])
    return path


def test_the_commit_is_that_of_the_program_wherever_it_was_started(program: Path) -> None:
    commit = git(program.parent, "rev-parse", "HEAD")
    assert find_code_origin() == CodeOrigin(commit, "", ("python", "steps/train.py", "--lr", "0.1"))


@pytest.mark.parametrize(
    ("remote", "public"),
    [
        ("https://example.org/team/code.git", "https://example.org/team/code.git"),
        ("https://me:p@ss@example.org/code.git", "https://example.org/code.git"),
        ("https://ghp_secret@example.org/code.git", "https://example.org/code.git"),
        ("git@example.org:team/code.git", "git@example.org:team/code.git"),
    ],
)
def test_a_remote_is_told_without_credentials(program: Path, remote: str, public: str) -> None:
    git(program.parent, "remote", "add", "origin", remote)
    assert find_code_origin().git_remote == public


def test_values_of_options_that_are_called_secret_are_hidden() -> None:
    told = without_secrets(
        [
            "train",
            "--api-key=abc",
            "--hub_token",
            "abc",
            "--lr",
            "1",
            "--password",
            "-v",
            "PASSWORD=x",
        ]
    )
    assert told == (
        "train", "--api-key=***", "--hub_token", "***", "--lr", "1", "--password", "-v",
        "PASSWORD=***",
    )  # fmt: skip


def test_without_a_repository_or_git_nothing_is_known_of_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules["__main__"], "__file__", str(tmp_path / "train.py"), raising=False
    )
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert find_code_origin().git_commit == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_code_origin().git_commit == ""


def test_a_command_line_that_is_too_long_is_left_out(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", *map(str, range(2_000))])
    assert find_code_origin().command_line == ()


async def test_a_run_remembers_its_code_unless_told_otherwise(
    client: AsyncClient, program: Path
) -> None:
    commit = git(program.parent, "rev-parse", "HEAD")
    async with await client.runs.begin() as run:
        assert run.info.git_commit == commit
        assert run.info.command_line == ("python", "steps/train.py", "--lr", "0.1")
    async with await client.runs.begin(git_commit="abc", command_line=["make"]) as run:
        assert (run.info.git_commit, run.info.command_line) == ("abc", ("make",))
    async with await client.runs.begin(find_code=False) as run:
        assert (run.info.git_commit, run.info.command_line) == ("", ())
