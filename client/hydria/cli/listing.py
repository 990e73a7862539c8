"""`hydria artifact ls` and `hydria artifact files`: what is there."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import JsonValue, print_array, print_lines
from hydria.cli.rows import collection_row, file_row, project_row, version_row
from hydria.cli.text import Table, names_text, size_text, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.pages import Pages
    from hydria.records import Collection, File, Project, Version

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Layout(Generic[_Item]):
    """How items of one kind are printed, for programs and for people."""

    row_of: Callable[[_Item], JsonValue]
    cells_of: Callable[[_Item], Sequence[str]]
    headings: Sequence[str]
    right: Sequence[str] = ()


@click.command()
@click.argument("where", metavar="ENTITY[/PROJECT[/NAME]]")
@click.option("--filter", "filter_", default="", help='E.g. "tag:gold AND size_bytes > 1000".')
@click.option("--order-by", default="", help='E.g. "created_at desc, name".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def ls(invocation: Invocation, where: str, filter_: str, order_by: str, limit: int | None) -> None:
    """List projects of an entity, collections of a project, or versions of a collection.

    Filters know name, type, alias, tag, state, version, size_bytes, file_count, created_at and
    updated_at, as far as what is listed has them, and metadata.KEY.KEY of versions.
    """
    parts = where.split("/")
    if len(parts) > 3 or not all(parts):
        raise click.UsageError(f"{where!r} is not ENTITY[/PROJECT[/NAME]]")

    async def show(client: AsyncClient) -> None:
        if len(parts) == 1:
            projects = client.projects(where, filter=filter_, order_by=order_by)
            await print_pages(projects, limit, _PROJECTS, invocation)
        elif len(parts) == 2:
            collections = client.collections(where, filter=filter_, order_by=order_by)
            await print_pages(collections, limit, COLLECTIONS, invocation)
        else:
            versions = client.versions(where, filter=filter_, order_by=order_by)
            await print_pages(versions, limit, _VERSIONS, invocation)

    invocation.call(show)


@click.command()
@click.argument("ref")
@click.option("--prefix", default="", metavar="P", help="Only paths that begin with this.")
@click.option(
    "--glob", default="", metavar="G", help='Only paths of this glob, e.g. "data/**/*.csv".'
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def files(invocation: Invocation, ref: str, prefix: str, glob: str, limit: int | None) -> None:
    """List the files of a version."""
    glob = unicodedata.normalize("NFC", glob)  # as versions store paths
    invocation.call(
        lambda client: print_pages(client.files(ref, prefix, glob=glob), limit, _FILES, invocation)
    )


async def print_pages(
    pages: Pages[_Item], limit: int | None, layout: Layout[_Item], invocation: Invocation
) -> None:
    """Print what is listed, a page at a time; nothing at all when the first page fails."""
    found = _limited(pages, limit)
    if invocation.is_json:
        await print_array(found, layout.row_of)
        return
    table = Table(layout.headings, right=layout.right)
    is_empty = True
    async for page in found:
        if page:
            print_lines("\n".join(table.lines(map(layout.cells_of, page))))
            is_empty = False
    if is_empty:
        click.echo("nothing there", err=True)


async def _limited(pages: Pages[_Item], limit: int | None) -> AsyncIterator[Sequence[_Item]]:
    left = limit
    async for page in pages.pages():
        yield page if left is None else page[:left]
        if left is not None:
            left -= len(page)
            if left <= 0:
                return


def _project_cells(project: Project) -> Sequence[str]:
    return project.name, f"{project.collection_count:,}", time_text(project.created_at)


def _collection_cells(collection: Collection) -> Sequence[str]:
    return (
        collection.name,
        collection.type,
        f"{collection.version_count:,}",
        collection.latest_version or "-",
        names_text(collection.aliases),
        time_text(collection.updated_at),
    )


def _version_cells(version: Version) -> Sequence[str]:
    return (
        version.version,
        f"{version.file_count:,}",
        size_text(version.size_bytes),
        time_text(version.created_at),
        names_text(version.aliases),
        names_text(version.tags),
        version.description,
    )


def _file_cells(file: File) -> Sequence[str]:
    return size_text(file.size_bytes), file.path, f"-> {file.ref_uri}" if file.ref_uri else ""


_PROJECTS = Layout(
    project_row, _project_cells, ("NAME", "COLLECTIONS", "CREATED"), right=("COLLECTIONS",)
)
COLLECTIONS = Layout(
    collection_row,
    _collection_cells,
    ("NAME", "TYPE", "VERSIONS", "LATEST", "ALIASES", "UPDATED"),
    right=("VERSIONS",),
)
_VERSIONS = Layout(
    version_row,
    _version_cells,
    ("VERSION", "FILES", "SIZE", "CREATED", "ALIASES", "TAGS", "DESCRIPTION"),
    right=("FILES", "SIZE"),
)
_FILES = Layout(file_row, _file_cells, ("SIZE", "PATH", ""), right=("SIZE",))
