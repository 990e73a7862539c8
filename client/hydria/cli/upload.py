"""`hydria upload`: one version by several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.metadata import parse_metadata
from hydria.cli.output import print_json, print_lines
from hydria.cli.progress import shown_progress
from hydria.cli.rows import shared_upload_row, upload_row
from hydria.cli.text import count_text, names_text, printable, size_text, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import UploadResult
    from hydria.upload_status import UploadStatus


@click.group()
@common_options
def upload() -> None:
    """Make one version by several processes: create, add by each, commit by one."""


@upload.command()
@click.argument("name", metavar="ENTITY/PROJECT/NAME")
@click.option("--type", default="", metavar="T", help="Needed for a new collection only.")
@click.option("--base", metavar="REF", help="Keep the files of this version, add and overwrite.")
@click.option(
    "--request-id", default="", metavar="ID", help="All who ask by this ID get the same upload."
)
@common_options
@click.pass_obj
def create(invocation: Invocation, name: str, type: str, base: str | None, request_id: str) -> None:
    """Begin an upload, and print its id."""

    async def begin(client: AsyncClient) -> UploadStatus:
        begun = await client.create_upload(name, type=type, base=base, request_id=request_id)
        return await begun.status()

    status = invocation.call(begin)
    if invocation.is_json:
        print_json(shared_upload_row(status))
    else:
        print_lines(status.upload_id)


@upload.command()
@click.argument("upload_id", metavar="UPLOAD")
@click.argument("paths", nargs=-1, type=click.Path(exists=True), metavar="[PATH]...")
@click.option("--writer", required=True, metavar="ID", help="Who adds; each process its own.")
@click.option("--prefix", default="", metavar="DIR", help="Put the files below this directory.")
@click.option("--remove", multiple=True, metavar="P", help="Leave P of the base out; repeatable.")
@click.option("--finish", is_flag=True, help="Say that this writer is done.")
@common_options
@click.pass_obj
def add(
    invocation: Invocation,
    upload_id: str,
    paths: tuple[str, ...],
    writer: str,
    prefix: str,
    remove: tuple[str, ...],
    finish: bool,
) -> None:
    """Add files and the contents of directories to an upload. Adding them again does no harm."""

    async def work(client: AsyncClient) -> tuple[UploadStatus, int]:
        with shown_progress() as progress:
            async with await client.join(upload_id, writer) as joined:
                for path in remove:
                    await joined.remove(path)
                for local in paths:
                    await joined.add_dir(local, prefix, progress=progress)
                if finish:
                    await joined.finish()
        return await (await client.upload(upload_id)).status(), joined.sent_bytes

    if not (paths or remove or finish):
        raise click.UsageError("nothing to do: give a PATH, --remove or --finish")
    status, sent_bytes = invocation.call(work)
    if invocation.is_json:
        print_json({**shared_upload_row(status), "sent_bytes": sent_bytes})
        return
    (mine,) = (one for one in status.writers if one.writer_id == writer)
    staged = count_text(mine.operation_count, "operation")
    print_lines(printable(f"{writer}: {staged} staged, sent {size_text(sent_bytes)}"))


@upload.command()
@click.argument("upload_id", metavar="UPLOAD")
@common_options
@click.pass_obj
def show(invocation: Invocation, upload_id: str) -> None:
    """Show where an upload stands, and how far each writer has come."""

    async def look(client: AsyncClient) -> UploadStatus:
        return await (await client.upload(upload_id)).status()

    status = invocation.call(look)
    if invocation.is_json:
        print_json(shared_upload_row(status))
        return
    print_lines(printable(f"{status.collection}  {status.state}  {status.version_ref}".rstrip()))
    print_lines(f"  expires  {time_text(status.expires_at)}")
    for writer in status.writers:
        staged = count_text(writer.operation_count, "operation")
        end = ", finished" if writer.is_finished else ""
        print_lines(printable(f"  {writer.writer_id!r}  {staged}{end}"))


@upload.command()
@click.argument("upload_id", metavar="UPLOAD")
@click.option("--writer", "writers", multiple=True, metavar="ID", help="Must have finished.")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Points to it; repeatable.")
@click.option("--description", default="", metavar="D", help="What it is, in words.")
@click.option("--metadata", callback=parse_metadata, metavar="JSON|@FILE", help="A JSON object.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="A tag for it; repeatable.")
@common_options
@click.pass_obj
def commit(
    invocation: Invocation,
    upload_id: str,
    writers: tuple[str, ...],
    aliases: tuple[str, ...],
    description: str,
    metadata: str | None,
    tags: tuple[str, ...],
) -> None:
    """Make the version of all that was added."""

    async def work(client: AsyncClient) -> UploadResult:
        return await (await client.upload(upload_id)).commit(
            writers=writers,
            aliases=aliases,
            description=description,
            metadata=metadata,
            tags=tags,
        )

    result = invocation.call(work)
    if invocation.is_json:
        print_json(upload_row(result))
        return
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    known = "" if result.created else " already; no new version"
    print_lines(f"{result.version.ref}  {content}{known}")
    print_lines(f"  aliases  {names_text(result.version.aliases)}")


@upload.command()
@click.argument("upload_id", metavar="UPLOAD")
@common_options
@click.pass_obj
def abort(invocation: Invocation, upload_id: str) -> None:
    """Give an upload up, for all its writers. Nothing of it becomes a version."""

    async def end(client: AsyncClient) -> UploadStatus:
        given_up = await client.upload(upload_id)
        await given_up.abort()
        return await given_up.status()

    status = invocation.call(end)
    if invocation.is_json:
        print_json(shared_upload_row(status))
    else:
        print_lines(printable(f"{status.upload_id} {status.state}"))
