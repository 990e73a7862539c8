"""Which code runs here: the commit of the program, where to fetch it, and how it was started."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_GIT_SECONDS = 5
_MAX_REMOTE_CHARACTERS = 2_048
_MAX_ARGUMENTS = 1_000
_MAX_COMMAND_LINE_BYTES = 64 * 1024
_USER_OF_URL = re.compile(r"^([^:]*://)[^/?#]*@")
_SECRET = re.compile(r"secret|passw|token|credential|api[-_]?key|access[-_]?key", re.IGNORECASE)
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class CodeOrigin:
    """What a run remembers of its code; empty where it is not known."""

    git_commit: str = ""
    git_remote: str = ""
    """Without a user name or a password."""
    command_line: tuple[str, ...] = ()
    """With `***` in place of what looks like a secret."""


def find_code_origin() -> CodeOrigin:
    """Return where this process's program comes from. It asks `git`, which takes milliseconds.

    An interactive interpreter has no program: then the working directory's commit is taken. What
    cannot be found out is left empty; nothing is raised.
    """
    directory = _directory_of_program()
    commit = _git(directory, "rev-parse", "--verify", "HEAD")
    remote = _git(directory, "remote", "get-url", "origin") if commit else ""
    return CodeOrigin(commit, _public(remote), _sendable(without_secrets(sys.orig_argv)))


def without_secrets(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return arguments where the values of options that are called secret are replaced."""
    return tuple(_hidden(arguments))


def _hidden(arguments: Sequence[str]) -> Iterator[str]:
    is_value_secret = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_secret = bool(_SECRET.search(name))
        if equals and is_secret:
            yield f"{name}={_HIDDEN}"
        elif is_value_secret and not argument.startswith("-"):
            yield _HIDDEN
        else:
            yield argument
        is_value_secret = is_secret and not equals and name.startswith("-")


def _directory_of_program() -> Path:
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(program).absolute().parent if program else Path.cwd()


def _git(directory: Path, *arguments: str) -> str:
    """Return the one line that `git` says; nothing where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _public(remote: str) -> str:
    """Return a remote without the name and password before its host, if the server may keep it."""
    bare = _USER_OF_URL.sub(r"\1", remote)
    return bare if bare.isprintable() and len(bare) <= _MAX_REMOTE_CHARACTERS else ""


def _sendable(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return arguments as text that the wire takes, or none where they are too many."""
    texts = tuple(each.encode("utf-8", "replace").decode() for each in arguments)
    size_bytes = sum(len(each.encode()) for each in texts)
    is_small = len(texts) <= _MAX_ARGUMENTS and size_bytes <= _MAX_COMMAND_LINE_BYTES
    return texts if is_small else ()
