"""`hydria search`: what there is, by what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import Layout, print_pages
from hydria.cli.registry_listing import LINKS, REGISTRIES
from hydria.cli.rows import collection_row, version_row
from hydria.cli.text import names_text, size_text, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import Collection, Version

KINDS = ("versions", "links", "collections", "models", "registries")


@click.command()
@click.argument("filter_", metavar="FILTER", default="")
@click.option(
    "--in",
    "kind",
    type=click.Choice(KINDS),
    default="versions",
    show_default=True,
    help="What to find; models are registered models, links their versions.",
)
@click.option(
    "--within",
    default="",
    metavar="ENTITY[/PROJECT[/NAME]]",
    help="Where to find it; an entity's projects and registries if only that is given.",
)
@click.option("--order-by", default="", help='E.g. "metadata.val.accuracy desc, created_at".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def search(
    invocation: Invocation, filter_: str, kind: str, within: str, order_by: str, limit: int | None
) -> None:
    """Find versions in all projects of an entity, or links, collections, registries.

    A filter is made of comparisons, AND, OR, NOT and parentheses:
    type = model AND metadata.val.accuracy > 0.9 AND NOT tag:raw. Versions and links have name,
    project, type, alias, tag, state, version, size_bytes, file_count, created_at, updated_at and
    metadata.KEY.KEY; the others what hydria artifact ls shows of them, and description.
    """
    if kind == "registries" and "/" in within:
        raise click.UsageError("registries are found within an ENTITY")

    async def show(client: AsyncClient) -> None:
        if kind == "versions":
            versions = client.search(filter_, within=within, order_by=order_by)
            await print_pages(versions, limit, _VERSIONS, invocation)
        elif kind == "links":
            links = client.search(filter_, within=within, kind="links", order_by=order_by)
            await print_pages(links, limit, LINKS, invocation)
        elif kind == "registries":
            registries = client.registry.registries(within, filter=filter_, order_by=order_by)
            await print_pages(registries, limit, REGISTRIES, invocation)
        else:
            collections = client.search_collections(
                filter_,
                within=within,
                kind="models" if kind == "models" else "collections",
                order_by=order_by,
            )
            await print_pages(collections, limit, _COLLECTIONS, invocation)

    invocation.call(show)


def _version_cells(version: Version) -> Sequence[str]:
    return (
        version.ref,
        version.type,
        size_text(version.size_bytes),
        time_text(version.created_at),
        names_text(version.aliases),
        names_text(version.tags),
    )


def _collection_cells(collection: Collection) -> Sequence[str]:
    return (
        f"{collection.entity}/{collection.project}/{collection.name}",
        collection.type,
        f"{collection.version_count:,}",
        names_text(collection.aliases),
        names_text(collection.tags),
        time_text(collection.updated_at),
    )


_VERSIONS = Layout(
    version_row,
    _version_cells,
    ("VERSION", "TYPE", "SIZE", "CREATED", "ALIASES", "TAGS"),
    right=("SIZE",),
)
_COLLECTIONS = Layout(
    collection_row,
    _collection_cells,
    ("NAME", "TYPE", "VERSIONS", "ALIASES", "TAGS", "UPDATED"),
    right=("VERSIONS",),
)
