"""`hydria alias`: move the names that point to versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import alias_row
from hydria.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hydria.records import AliasChange


@click.group()
@common_options
def alias() -> None:
    """Move aliases: names for versions."""


@alias.command("set")
@click.argument("ref")
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
@common_options
@click.pass_obj
def set_aliases(invocation: Invocation, ref: str, aliases: tuple[str, ...]) -> None:
    """Point ALIAS... to the version REF, wherever they point now; all of them, or none."""
    _show(invocation, invocation.call(lambda client: client.set_aliases(ref, aliases)))


@alias.command("rm")
@click.argument("ref")
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
@common_options
@click.pass_obj
def remove_aliases(invocation: Invocation, ref: str, aliases: tuple[str, ...]) -> None:
    """Remove ALIAS... from a version, or, when REF is ENTITY/PROJECT/NAME, from whichever has it.

    Versions stay. All of the aliases are removed, or none.
    """
    _show(invocation, invocation.call(lambda client: client.remove_aliases(ref, aliases)))


def _show(invocation: Invocation, changes: Sequence[AliasChange]) -> None:
    if invocation.is_json:
        print_json([alias_row(change) for change in changes])
        return
    for change in changes:
        print_lines(printable(_sentence(change)))


def _sentence(change: AliasChange) -> str:
    if not change.version:
        return f"{change.alias} removed (was {change.previous_version or 'not there'})"
    if change.version == change.previous_version:
        return f"{change.alias} -> {change.version} (as before)"
    return f"{change.alias} -> {change.version} (was {change.previous_version or 'not there'})"
