"""`hydria registry`: what is handed on, and under which name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.collection import show_collection
from hydria.cli.deployments import deployments
from hydria.cli.follow import follow
from hydria.cli.history import watch
from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.registry_aliases import history, protect, rollback
from hydria.cli.registry_links import link, links, unlink
from hydria.cli.registry_listing import ls
from hydria.cli.rows import registry_row
from hydria.cli.text import count_text, names_text, printable, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import Collection
    from hydria.registry_records import Registry

WHERE = "ENTITY/REGISTRY[/NAME]"


@click.group()
@common_options
def registry() -> None:
    """Hand versions on: registries, registered models, and links to versions.

    Every entity has a registry called model-registry; others are called registry-NAME. A link is
    read as any version, by its ref: hydria artifact get ENTITY/REGISTRY/NAME:ALIAS.
    """


@registry.command()
@click.argument("where", metavar=WHERE)
@click.option("--type", "types", multiple=True, metavar="T", help="What it may hold; repeatable.")
@click.option("--description", default="", metavar="D", help="What it is, in words.")
@common_options
@click.pass_obj
def create(invocation: Invocation, where: str, types: tuple[str, ...], description: str) -> None:
    """Make a registry, or a registered model in one; the first link makes the latter as well."""
    if not _is_model(where):
        made = invocation.call(
            lambda client: client.registry.create(where, description=description, types=types)
        )
        _show(invocation, made)
        return
    if len(types) != 1:
        raise click.UsageError("a registered model has one type: give --type once")
    show_collection(
        invocation,
        invocation.call(
            lambda client: client.registry.create_model(
                where, type=types[0], description=description
            )
        ),
    )


@registry.command()
@click.argument("where", metavar=WHERE)
@common_options
@click.pass_obj
def show(invocation: Invocation, where: str) -> None:
    """Show a registry, or a registered model."""
    if _is_model(where):
        show_collection(invocation, invocation.call(lambda client: client.collection(where)))
    else:
        _show(invocation, invocation.call(lambda client: client.registry.get(where)))


@registry.command()
@click.argument("where", metavar=WHERE)
@click.option("--rename", metavar="NEW", help="The new name, without what is before it.")
@click.option("--description", metavar="D", help="What it is, in words.")
@click.option(
    "--type", "types", multiple=True, metavar="T", help="What a registry may hold; repeatable."
)
@click.option("--any-type", is_flag=True, help="Let a registry hold every type.")
@common_options
@click.pass_obj
def update(
    invocation: Invocation,
    where: str,
    rename: str | None,
    description: str | None,
    types: tuple[str, ...],
    any_type: bool,
) -> None:
    """Rename or describe a registry or a registered model; restrict a registry to types."""
    if types and any_type:
        raise click.UsageError("--type and --any-type cannot be given together")
    restricted = types if types or any_type else None
    if rename is None and description is None and restricted is None:
        raise click.UsageError("nothing to change: give --rename, --description or --type")
    if not _is_model(where):
        changed = invocation.call(
            lambda client: client.registry.update(
                where, new_name=rename, description=description, types=restricted
            )
        )
        _show(invocation, changed)
        return
    if restricted is not None:
        raise click.UsageError("a registered model keeps its type")

    async def change(client: AsyncClient) -> Collection:
        return await client.update_collection(where, new_name=rename, description=description)

    show_collection(invocation, invocation.call(change))


@registry.command()
@click.argument("where", metavar=WHERE)
@click.option("--force", is_flag=True, help="Delete a registry with its registered models.")
@common_options
@click.pass_obj
def rm(invocation: Invocation, where: str, force: bool) -> None:
    """Delete a registry, or a registered model with its links. What is linked stays."""
    is_model = _is_model(where)

    async def delete(client: AsyncClient) -> int:
        if is_model:
            return await client.delete_collection(where, force=force)
        return await client.registry.delete(where, force=force)

    count = invocation.call(delete)
    if invocation.is_json:
        key = "deleted_version_count" if is_model else "deleted_collection_count"
        print_json({"name": where, key: count})
        return
    gone = count_text(count, "link" if is_model else "registered model")
    print_lines(printable(f"{where} deleted ({gone})"))


def _is_model(where: str) -> bool:
    """Tell whether a registered model is meant, and not a registry."""
    parts = where.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise click.UsageError(f"{where!r} is not {WHERE}")
    return len(parts) == 3


def _show(invocation: Invocation, found: Registry) -> None:
    if invocation.is_json:
        print_json(registry_row(found))
        return
    print_lines(printable(found.path))
    print_lines(f"  models   {found.collection_count:,}")
    print_lines(f"  types    {names_text(found.types) or 'all'}")
    if found.protected_aliases:
        print_lines(f"  protects {names_text(found.protected_aliases)}")
    print_lines(f"  updated  {time_text(found.updated_at)}")
    if found.description:
        print_lines(printable(found.description))


_ALIASES = (history, rollback, protect)
for _command in (ls, link, unlink, links, *_ALIASES, watch, deployments, follow):
    registry.add_command(_command)
