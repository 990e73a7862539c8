"""`hydria artifact get`: put the files of a version on this machine."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.progress import shown_progress
from hydria.cli.rows import download_row
from hydria.cli.text import count_text, printable, rate_text, seconds_text, size_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import DownloadResult


@click.command()
@click.argument("ref")
@click.option(
    "--root",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where to; by default ./artifacts/NAME:vN.",
)
@click.option(
    "--prefix",
    "prefixes",
    multiple=True,
    metavar="P",
    help="Only files whose paths begin with this; repeatable.",
)
@click.option(
    "--glob",
    "globs",
    multiple=True,
    metavar="G",
    help='Only files of this glob, e.g. "data/**/*.csv"; repeatable.',
)
@click.option("--file", "paths", multiple=True, metavar="F", help="Only this file; repeatable.")
@click.option(
    "--references/--no-references",
    default=True,
    help="Fetch references from where they point (the default), or leave them out.",
)
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Take chunks from the files here too, e.g. of an older version; repeatable.",
)
@click.option(
    "--link",
    is_flag=True,
    help="Make hard links to files in the local cache: writing to one changes all.",
)
@click.option("--sync", is_flag=True, help="End only when the files would survive a power cut.")
@common_options
@click.pass_obj
def get(
    invocation: Invocation,
    ref: str,
    root: str | None,
    prefixes: tuple[str, ...],
    globs: tuple[str, ...],
    paths: tuple[str, ...],
    references: bool,
    beside: tuple[str, ...],
    link: bool,
    sync: bool,
) -> None:
    """Download a version, verified.

    Files that are in place already are not fetched again, and of files that have changed only the
    new chunks.

    References make this machine ask for what the version says, with your credentials: leave them
    out for versions of people you do not trust.
    """
    normal_globs = [unicodedata.normalize("NFC", glob) for glob in globs]  # as versions store paths

    async def download(client: AsyncClient) -> DownloadResult:
        with shown_progress() as progress:
            return await client.download(
                ref,
                root,
                prefixes=prefixes,
                globs=normal_globs,
                paths=paths,
                references=references,
                beside=beside,
                link=link,
                sync=sync,
                progress=progress,
            )

    result = invocation.call(download)
    if invocation.is_json:
        print_json(download_row(result))
        return
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    took = f"{seconds_text(result.seconds)} ({rate_text(result.size_bytes, result.seconds)})"
    print_lines(printable(f"{result.ref}  {content} in {took}"))
    print_lines(printable(f"  into      {result.root}"))
    print_lines(f"  received  {size_text(result.received_bytes)}, all verified")
    if result.skipped_reference_count:
        print_lines(f"  left out  {count_text(result.skipped_reference_count, 'reference')}")
