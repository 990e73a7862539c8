"""`hydria artifact show`: all that is known of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import version_row
from hydria.cli.text import count_text, names_text, printable, size_text, time_text
from hydria.cli.times import parse_moment

if TYPE_CHECKING:
    from datetime import datetime

    from hydria.records import Version


@click.command()
@click.argument("ref")
@click.option(
    "--as-of", callback=parse_moment, metavar="TIME", help="Where the alias of REF pointed then."
)
@common_options
@click.pass_obj
def show(invocation: Invocation, ref: str, as_of: datetime | None) -> None:
    """Show a version: its content in numbers, and the words about it.

    TIME is like "2026-05-04 09:00", of your time zone unless it says otherwise. The version may be
    deleted since.
    """
    version = invocation.call(lambda client: client.version(ref, as_of=as_of))
    if invocation.is_json:
        print_json(version_row(version))
        return
    for label, text in _facts(version).items():
        if text:
            print_lines(printable(f"{label:<12} {text}"))


def _facts(version: Version) -> dict[str, str]:
    return {
        "ref": version.ref,
        "source": version.source_ref,
        "type": version.type,
        "content": f"{count_text(version.file_count, 'file')}, {size_text(version.size_bytes)}",
        "digest": version.digest,
        "aliases": names_text(version.aliases),
        "tags": names_text(version.tags),
        "description": version.description,
        "metadata": version.metadata_json if version.metadata_json != "{}" else "",
        "state": version.state.value,
        "created": time_text(version.created_at),
    }
