"""`hydria artifact diff`: what differs between two versions."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import ReaderGoneError, print_bytes, print_lines, to_json
from hydria.cli.progress import shown_progress
from hydria.cli.rows import change_row, diff_totals_row
from hydria.cli.text import printable, size_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.inspection.records import DiffResult, FileChange

# Versions may differ in millions of files: what is told of them is not held in memory.
_LINES_AT_ONCE = 500
_ROWS_IN_MEMORY_BYTES = 4 << 20


@click.command()
@click.argument("from_ref", metavar="REF")
@click.argument("to_ref", metavar="REF")
@common_options
@click.pass_obj
def diff(invocation: Invocation, from_ref: str, to_ref: str) -> None:
    """Tell what the second version has added (A), removed (D) and changed (M) since the first."""

    def compared(take: Callable[[FileChange], None]) -> DiffResult:
        async def compare(client: AsyncClient) -> DiffResult:
            with shown_progress() as progress:
                return await client.diff(from_ref, to_ref, take=take, progress=progress)

        return invocation.call(compare)

    if invocation.is_json:
        with _room() as added, _room() as removed, _room() as changed:
            rows = _Rows(added, removed, changed)
            rows.print(compared(rows.take))
        return
    lines = _Lines()
    result = compared(lines.take)
    lines.print()
    for line in _totals(result):
        print_lines(printable(line))


def _room() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(_ROWS_IN_MEMORY_BYTES)


class _Lines:
    """Lines for people, some at a time."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def take(self, change: FileChange) -> None:
        """Tell of a difference."""
        self._lines.append(printable(_line(change)))
        if len(self._lines) >= _LINES_AT_ONCE:
            self.print()

    def print(self) -> None:
        """Print what was not printed yet."""
        if self._lines:
            print_lines("\n".join(self._lines))
        self._lines = []


class _Rows:
    """Rows of one JSON object, which sorts them by kind: they wait in files until all are there."""

    def __init__(self, added: IO[bytes], removed: IO[bytes], changed: IO[bytes]) -> None:
        self._files = {"added": added, "removed": removed, "changed": changed}

    def take(self, change: FileChange) -> None:
        """Keep a difference."""
        added, removed = change.previous is None, change.file is None
        rows = self._files["added" if added else "removed" if removed else "changed"]
        opening = ", " if rows.tell() else ""
        rows.write(f"{opening}{to_json(change_row(change))}".encode())

    def print(self, result: DiffResult) -> None:
        """Print all of it."""
        refs = to_json({"from": result.from_ref, "to": result.to_ref})
        print_bytes(refs.removesuffix("}").encode())
        for kind, file in self._files.items():
            print_bytes(f', "{kind}": ['.encode())
            file.seek(0)
            try:
                shutil.copyfileobj(file, sys.stdout.buffer)
            except BrokenPipeError:
                raise ReaderGoneError from None
            print_bytes(b"]")
        totals = to_json(diff_totals_row(result.totals))
        print_bytes(f", {totals.removeprefix('{')}\n".encode())


def _line(change: FileChange) -> str:
    file, previous = change.file, change.previous
    if file and previous:
        sizes = f"{size_text(previous.size_bytes)} -> {size_text(file.size_bytes)}"
        return f"M  {file.path}  {sizes}"
    if file:
        return f"A  {file.path}  {size_text(file.size_bytes)}"
    assert previous
    return f"D  {previous.path}  {size_text(previous.size_bytes)}"


def _totals(result: DiffResult) -> Iterator[str]:
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
