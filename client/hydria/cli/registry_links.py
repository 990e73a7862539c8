"""`hydria registry link`, `unlink` and `links`."""

from __future__ import annotations

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import print_pages
from hydria.cli.output import print_json, print_lines
from hydria.cli.registry_listing import LINKS
from hydria.cli.rows import link_row, version_row
from hydria.cli.text import names_text, printable


@click.command()
@click.argument("ref", metavar="SOURCE")
@click.argument("model", metavar="ENTITY/REGISTRY/NAME")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Point this to it, too.")
@common_options
@click.pass_obj
def link(invocation: Invocation, ref: str, model: str, aliases: tuple[str, ...]) -> None:
    """Link the version SOURCE to a registered model, which is made if need be.

    Nothing is copied. Linking what is linked already only moves the aliases.
    """
    result = invocation.call(lambda client: client.registry.link(ref, model, aliases=aliases))
    if invocation.is_json:
        print_json(link_row(result))
        return
    verb = "links" if result.created else "links already"
    version = result.version
    print_lines(
        printable(f"{version.ref} {verb} {version.source_ref} ({names_text(version.aliases)})")
    )


@click.command()
@click.argument("ref")
@click.option("--delete-aliases", is_flag=True, help="Unlink it although aliases point to it.")
@common_options
@click.pass_obj
def unlink(invocation: Invocation, ref: str, delete_aliases: bool) -> None:
    """Take the link REF away. What it links stays; the link's number is not used again."""
    version = invocation.call(
        lambda client: client.registry.unlink(ref, delete_aliases=delete_aliases)
    )
    if invocation.is_json:
        print_json(version_row(version))
    else:
        print_lines(printable(f"{version.ref} unlinked; {version.source_ref} stays"))


@click.command()
@click.argument("ref", metavar="SOURCE")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def links(invocation: Invocation, ref: str, limit: int | None) -> None:
    """List where the version SOURCE is linked, in all registries."""
    invocation.call(
        lambda client: print_pages(client.registry.links(ref), limit, LINKS, invocation)
    )
