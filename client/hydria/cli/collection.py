"""`hydria collection`: look at collections, rename, retype, describe and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import collection_row
from hydria.cli.text import count_text, names_text, printable, time_text

if TYPE_CHECKING:
    from hydria.records import Collection


@click.group()
@common_options
def collection() -> None:
    """Look at collections of versions, rename, retype, describe and delete them."""


@collection.command()
@click.argument("name", metavar="ENTITY/PROJECT/NAME")
@common_options
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """Show one collection."""
    show_collection(invocation, invocation.call(lambda client: client.collection(name)))


@collection.command()
@click.argument("name", metavar="ENTITY/PROJECT/NAME")
@click.option("--rename", metavar="NEW", help="The new name, without entity and project.")
@click.option("--type", metavar="T", help="The new type, of all its versions.")
@click.option("--description", metavar="D", help="What it is, in words.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="Its tags from now on; repeatable.")
@click.option("--no-tags", is_flag=True, help="Take all of its tags away.")
@common_options
@click.pass_obj
def update(
    invocation: Invocation,
    name: str,
    rename: str | None,
    type: str | None,
    description: str | None,
    tags: tuple[str, ...],
    no_tags: bool,
) -> None:
    """Rename, retype or describe a collection. The old name finds it until it is used again."""
    if tags and no_tags:
        raise click.UsageError("--tag and --no-tags cannot be given together")
    if not (tags or no_tags) and rename is type is description is None:
        raise click.UsageError("nothing to change: give --rename, --type, --description or --tag")
    changed = invocation.call(
        lambda client: client.update_collection(
            name,
            new_name=rename,
            type=type,
            description=description,
            tags=tags if tags or no_tags else None,
        )
    )
    show_collection(invocation, changed)


@collection.command()
@click.argument("name", metavar="ENTITY/PROJECT/NAME")
@click.option("--force", is_flag=True, help="Delete what links to its versions as well.")
@common_options
@click.pass_obj
def rm(invocation: Invocation, name: str, force: bool) -> None:
    """Delete a collection with all its versions and aliases, for ever."""
    count = invocation.call(lambda client: client.delete_collection(name, force=force))
    if invocation.is_json:
        print_json({"name": name, "deleted_version_count": count})
    else:
        print_lines(printable(f"{name} deleted ({count_text(count, 'version')})"))


def show_collection(invocation: Invocation, found: Collection) -> None:
    """Print a collection, for programs or for people."""
    if invocation.is_json:
        print_json(collection_row(found))
        return
    print_lines(printable(found.path))
    print_lines(printable(f"  type      {found.type}"))
    print_lines(f"  versions  {found.version_count:,}")
    print_lines(f"  aliases   {names_text(found.aliases)}")
    if found.protected_aliases:
        print_lines(f"  protects  {names_text(found.protected_aliases)}")
    print_lines(f"  tags      {names_text(found.tags)}")
    print_lines(f"  updated   {time_text(found.updated_at)}")
    if found.description:
        print_lines(printable(found.description))
