"""`hydria artifact put`: make a version of local files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.metadata import parse_metadata
from hydria.cli.output import print_json, print_lines
from hydria.cli.progress import shown_progress
from hydria.cli.rows import upload_row
from hydria.cli.text import (
    count_text,
    names_text,
    printable,
    rate_text,
    seconds_text,
    size_text,
)

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.draft import Draft
    from hydria.options import TransferOptions
    from hydria.records import UploadResult

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True), metavar="PATH...")
@click.option("--name", required=True, metavar="ENTITY/PROJECT/NAME", help="The collection.")
@click.option("--type", default="", metavar="T", help="Needed for a new collection only.")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Points to it; repeatable.")
@click.option("--description", default="", metavar="D", help="What it is, in words.")
@click.option("--metadata", callback=parse_metadata, metavar="JSON|@FILE", help="A JSON object.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="A tag for it; repeatable.")
@click.option("--base", metavar="REF", help="Keep the files of this version, add and overwrite.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="[PATH=]URI",
    help="Refer to what is at file://, http(s)://, s3://, gs:// or az://; repeatable.",
)
@click.option("--run", default="", metavar="RUN", help="The run that logs it: its id, or its ref.")
@click.option(
    "--cache", is_flag=True, help="Keep the files in the local cache: get fetches none of them."
)
@common_options
@click.pass_obj
def put(
    invocation: Invocation,
    paths: tuple[str, ...],
    name: str,
    type: str,
    aliases: tuple[str, ...],
    description: str,
    metadata: str | None,
    tags: tuple[str, ...],
    base: str | None,
    references: tuple[str, ...],
    run: str,
    cache: bool,
) -> None:
    """Make a version of files and directories, or find the one with the same content.

    The contents of a directory go to the root of the version, a file goes under its own name.
    What the server has already is not sent again. An object that is referred to goes under its
    own name or under PATH; the objects below a directory or prefix go to the root or below PATH.
    """
    _require_content(paths, references)

    async def log(client: AsyncClient) -> UploadResult:
        await _check_type(client, name, type)
        ref = _run_of(client, name, run)
        if references:
            async with client.draft(name, type=type, base=base) as draft:
                await _fill(draft, paths, references)
                return await draft.commit(
                    aliases=aliases, tags=tags, description=description, metadata=metadata, run=ref
                )
        with shown_progress() as progress:
            return await client.log(
                name,
                paths,
                type=type,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata=metadata,
                base=base,
                run=ref,
                progress=progress,
            )

    _show(invocation, invocation.call(log, options=_keeping() if cache else None))


def _require_content(paths: Sequence[str], references: Sequence[str]) -> None:
    if not paths and not references:
        raise click.UsageError("name files or directories to put, or a --reference")


def _keeping() -> TransferOptions:
    from hydria.options import TransferOptions

    return TransferOptions(cache_uploads=True)


def _run_of(client: AsyncClient, name: str, run: str) -> str:
    """Return the full ref of a run; one that is named by its id is of the collection's project."""
    if not run or "/" in run:
        return client.defaults.run(run) if run else ""
    collection = client.defaults.collection(name)
    return f"{collection.entity}/{collection.project}/runs/{run}"


async def _fill(draft: Draft, paths: Sequence[str], references: Sequence[str]) -> None:
    await draft.add_paths(paths)
    for reference in references:
        path, uri = split_reference(reference)
        await draft.add_reference(uri, path)


def split_reference(text: str) -> tuple[str | None, str]:
    """Split `[PATH=]URI` into its parts. A URI may have `=` in it: the scheme tells it apart."""
    path, mark, rest = text.partition("=")
    if mark and not re.match(_SCHEME, text) and re.match(_SCHEME, rest):
        return path, rest
    return None, text


async def _check_type(client: AsyncClient, name: str, type: str) -> None:
    """Find out before the bytes go what the server would refuse after them.

    Raises:
        HydriaError: the collection is new and no type is given, or it has another type.
    """
    from hydria.errors import InvalidArgumentError, NotFoundError, TypeMismatchError

    path = str(client.defaults.collection(name))
    try:
        collection = await client.collection(name)
    except NotFoundError:
        is_new = True
    else:
        is_new = collection.path != path  # what had the name once is not meant
    if is_new and not type:
        raise InvalidArgumentError(
            f"{path} is a new collection: say what it holds, e.g. --type dataset or --type model"
        )
    if not is_new and type not in ("", collection.type):
        raise TypeMismatchError(
            f"{path} has the type {collection.type!r}, not {type!r}; leave --type out, or choose"
            " another name"
        )


def _show(invocation: Invocation, result: UploadResult) -> None:
    if invocation.is_json:
        print_json(upload_row(result))
        return
    version = result.version
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    took = seconds_text(result.seconds)
    if result.created:
        rate = rate_text(result.size_bytes, result.seconds)
        print_lines(f"{version.ref}  {content} in {took} ({rate})")
        known = f", {size_text(result.duplicate_bytes)} known already"
        print_lines(f"  sent     {size_text(result.sent_bytes)}{known}")
    else:
        print_lines(f"{version.ref} already has this content ({content}); no new version ({took})")
    print_lines(f"  digest   {version.digest}")
    print_lines(f"  aliases  {names_text(version.aliases)}")
    if result.ignored_fields:
        kept = " and ".join(field.removesuffix("_json") for field in result.ignored_fields)
        print_lines(f"  kept     its {printable(kept)}, not what was given now")
