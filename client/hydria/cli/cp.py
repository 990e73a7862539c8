"""`hydria artifact cp`: copy a version into another collection."""

from __future__ import annotations

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.metadata import parse_metadata
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import copy_row
from hydria.cli.text import names_text, printable, size_text


@click.command()
@click.argument("ref")
@click.argument("name", metavar="ENTITY/PROJECT/NAME")
@click.option("--type", default="", metavar="T", help="Of a new collection; else the source's.")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Points to it; repeatable.")
@click.option("--description", metavar="D", help="Instead of the source's.")
@click.option("--metadata", callback=parse_metadata, metavar="JSON|@FILE", help="The same.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="Beside the source's; repeatable.")
@common_options
@click.pass_obj
def cp(
    invocation: Invocation,
    ref: str,
    name: str,
    type: str,
    aliases: tuple[str, ...],
    description: str | None,
    metadata: str | None,
    tags: tuple[str, ...],
) -> None:
    """Copy the version REF into another collection.

    Within its entity no bytes move. Into another entity go, through this command, the chunks that
    it lacks.
    """
    result = invocation.call(
        lambda client: client.copy(
            ref,
            name,
            type=type,
            aliases=aliases,
            tags=tags,
            description=description,
            metadata=metadata,
        )
    )
    if invocation.is_json:
        print_json(copy_row(result))
        return
    version = result.version
    what = "copied" if result.created else "has this content already; no new version"
    print_lines(printable(f"{version.ref} {what}"))
    if result.sent_bytes:
        print_lines(f"  sent     {size_text(result.sent_bytes)}")
    print_lines(f"  aliases  {names_text(version.aliases)}")
