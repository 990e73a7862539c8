"""`hydria artifact rm`: delete a version."""

from __future__ import annotations

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import version_row
from hydria.cli.text import count_text, printable, size_text


@click.command()
@click.argument("ref")
@click.option("--delete-aliases", is_flag=True, help="Delete it although aliases point to it.")
@click.option("--force", is_flag=True, help="Delete what links to it as well.")
@common_options
@click.pass_obj
def rm(invocation: Invocation, ref: str, delete_aliases: bool, force: bool) -> None:
    """Delete one version for ever. Its number is not used again.

    REF must say which one: `:vN`, `:ALIAS` or `@blake3:HEX`.
    """
    from hydria.refs import split_ref

    name, suffix = split_ref(ref)
    if len(suffix) <= 1:
        raise click.UsageError(
            f"{printable(ref)!r} does not say which version to delete:"
            f" write {printable(name)}:vN, or :latest if that is meant"
        )
    version = invocation.call(
        lambda client: client.delete_version(ref, delete_aliases=delete_aliases, force=force)
    )
    if invocation.is_json:
        print_json(version_row(version))
        return
    content = f"{count_text(version.file_count, 'file')}, {size_text(version.size_bytes)}"
    print_lines(printable(f"{version.ref} deleted ({content})"))
