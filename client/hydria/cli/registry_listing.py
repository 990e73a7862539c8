"""`hydria registry ls`: registries, registered models, links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import COLLECTIONS, Layout, print_pages
from hydria.cli.rows import registry_row, version_row
from hydria.cli.text import names_text, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import Version
    from hydria.registry_records import Registry


@click.command()
@click.argument("where", metavar="ENTITY[/REGISTRY[/NAME]]")
@click.option("--filter", "filter_", default="", help='E.g. "tag:gold AND alias:staging".')
@click.option("--order-by", default="", help='E.g. "created_at desc, name".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def ls(invocation: Invocation, where: str, filter_: str, order_by: str, limit: int | None) -> None:
    """List registries of an entity, models of a registry, or links of a registered model."""
    parts = where.split("/")
    if len(parts) > 3 or not all(parts):
        raise click.UsageError(f"{where!r} is not ENTITY[/REGISTRY[/NAME]]")

    async def show(client: AsyncClient) -> None:
        if len(parts) == 1:
            registries = client.registry.registries(where, filter=filter_, order_by=order_by)
            await print_pages(registries, limit, REGISTRIES, invocation)
        elif len(parts) == 2:
            models = client.collections(where, filter=filter_, order_by=order_by)
            await print_pages(models, limit, COLLECTIONS, invocation)
        else:
            found = client.versions(where, filter=filter_, order_by=order_by)
            await print_pages(found, limit, LINKS, invocation)

    invocation.call(show)


def _registry_cells(registry: Registry) -> Sequence[str]:
    return (
        registry.name,
        f"{registry.collection_count:,}",
        names_text(registry.types),
        time_text(registry.updated_at),
    )


def _link_cells(version: Version) -> Sequence[str]:
    return (
        version.ref,
        names_text(version.aliases),
        version.source_ref,
        names_text(version.tags),
        time_text(version.created_at),
    )


REGISTRIES = Layout(
    registry_row, _registry_cells, ("NAME", "MODELS", "TYPES", "UPDATED"), right=("MODELS",)
)
LINKS = Layout(version_row, _link_cells, ("LINK", "ALIASES", "SOURCE", "TAGS", "LINKED"))
