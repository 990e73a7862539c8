"""`hydria artifact diff`: what differs between two versions."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import diff_row
from hydria.cli.text import printable, size_text

if TYPE_CHECKING:
    from hydria.inspection.records import DiffResult


@click.command()
@click.argument("from_ref", metavar="REF")
@click.argument("to_ref", metavar="REF")
@common_options
@click.pass_obj
def diff(invocation: Invocation, from_ref: str, to_ref: str) -> None:
    """Tell what the second version has added (A), removed (D) and changed (M) since the first."""
    result = invocation.call(lambda client: client.diff(from_ref, to_ref))
    if invocation.is_json:
        print_json(diff_row(result))
        return
    for line in _lines(result):
        print_lines(printable(line))


def _lines(result: DiffResult) -> Iterator[str]:
    rows = [(file.path, f"A  {file.path}  {size_text(file.size_bytes)}") for file in result.added]
    rows += [(f.path, f"D  {f.path}  {size_text(f.size_bytes)}") for f in result.removed]
    for change in result.changed:
        sizes = f"{size_text(change.previous.size_bytes)} -> {size_text(change.file.size_bytes)}"
        rows.append((change.file.path, f"M  {change.file.path}  {sizes}"))
    yield from map(itemgetter(1), sorted(rows))
    totals = result.totals
    parts = (
        f"{totals.added_count:,} added ({size_text(totals.added_bytes)})",
        f"{totals.removed_count:,} removed ({size_text(totals.removed_bytes)})",
        f"{totals.changed_count:,} changed ({size_text(totals.changed_bytes)})",
        f"{totals.unchanged_count:,} unchanged ({size_text(totals.unchanged_bytes)})",
    )
    yield f"{result.from_ref} -> {result.to_ref}"
    yield f"  files  {', '.join(parts)}"
    yield f"  bytes  {size_text(totals.shared_bytes)} shared, {size_text(totals.new_bytes)} new"
