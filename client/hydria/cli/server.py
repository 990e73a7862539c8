"""`hydria server`: becomes the server program, when it is installed."""

from __future__ import annotations

import os
import sys

import click

from hydria.cli.invocation import Invocation

EXTRA = "hydria[server]"


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run a server.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def server(invocation: Invocation, arguments: tuple[str, ...]) -> None:
    """Run a server; `hydria server --help` lists its flags.

    It prints one JSON line with its address, and with `--json` too.
    """
    if invocation.server is not None:
        raise click.UsageError("a server is told its own address by: hydria server --listen ADDR")
    missing = missing_requirements()
    if missing:
        raise click.ClickException(
            f"the server is not installed ({', '.join(missing)} is missing): pip install '{EXTRA}'"
        )
    flags = [argument for argument in arguments if argument != "--json"]
    # -P: what lies in the current directory is not part of the server.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "hydria_server", *flags])


def missing_requirements() -> list[str]:
    """Return what of the server is not installed: its package, or what only the server needs."""
    from importlib.util import find_spec

    if find_spec("hydria_server") is None:
        return ["hydria_server"]
    return [name for name in _server_requirements() if not _is_installed(name)]


def _server_requirements() -> list[str]:
    """Return the names of the distributions that the extra asks for."""
    import re
    from importlib.metadata import requires

    names = []
    for requirement in requires("hydria") or ():
        wanted, _, condition = requirement.partition(";")
        name = re.match(r"[\w.-]+", wanted)
        if name and re.search(r"""extra\s*==\s*["']server["']""", condition):
            names.append(name.group())
    return names


def _is_installed(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
