"""Events of OpenLineage: printed, and taken in from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_bytes, print_json, print_lines

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.lineage.graphs import LineageGraph

_MAX_LINE_BYTES = 2 * 1024 * 1024  # more than an event may have


def print_events(invocation: Invocation, graph: LineageGraph, output: str | None) -> None:
    """Print the runs of a graph as events, one in a line, as they are fetched; or to a file."""
    with ExitStack() as opened:
        write: Callable[[bytes], object] = print_bytes
        if output is not None:
            write = opened.enter_context(Path(output).open("wb")).write

        async def write_all(client: AsyncClient) -> None:
            async for events in client.lineage.openlineage(graph).pages():
                write("".join(f"{event}\n" for event in events).encode())

        invocation.call(write_all)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--project", required=True, metavar="[ENTITY/]P", help="Where the runs belong; made if need be."
)
@common_options
@click.pass_obj
def ingest(invocation: Invocation, file: IO[bytes], project: str) -> None:
    """Take in OpenLineage events from FILE, or standard input for -.

    FILE has one event in a line, as the file transport of OpenLineage clients writes it, or is a
    JSON array of events. Events are counted from 0 in errors. Taking in events again changes
    nothing.
    """
    done = invocation.call(
        lambda client: client.lineage.ingest_openlineage(_events(file), project=project)
    )
    if invocation.is_json:
        print_json(
            {
                "runs": done.run_refs,
                "events": done.event_count,
                "ignored": done.ignored_count,
                "new_edges": done.created_edge_count,
            }
        )
        return
    ignored = f", {done.ignored_count:,} ignored" if done.ignored_count else ""
    print_lines(
        f"{done.event_count:,} events of {len(done.run_refs):,} runs{ignored};"
        f" {done.created_edge_count:,} new edges"
    )


def _events(file: IO[bytes]) -> Iterator[str]:
    """Yield the events of a file as they are written.

    Raises:
        click.UsageError: it is no JSON array, a line is too long, or it is not UTF-8.
    """
    try:
        first = _line(file, 0)
        while first and not first.strip():
            first = _line(file, 0)
        if first.lstrip().startswith("["):
            yield from _array(first + file.read().decode())
            return
        line, place = first, 0
        while line:
            if line.strip():
                yield line
                place += 1
            line = _line(file, place)
    except UnicodeError:
        raise click.UsageError(f"{file.name}: it is not text in UTF-8") from None


def _line(file: IO[bytes], place: int) -> str:
    raw = file.readline(_MAX_LINE_BYTES)
    if len(raw) == _MAX_LINE_BYTES and not raw.lstrip().startswith(b"["):
        raise click.UsageError(f"{file.name}: event {place} has more than {_MAX_LINE_BYTES} bytes")
    return raw.decode("utf-8-sig")


def _array(text: str) -> Iterator[str]:
    """Yield the items of a JSON array to the letter."""
    decoder, at = json.JSONDecoder(parse_int=str, parse_float=str), text.index("[") + 1
    try:
        at = _skip(text, at)
        while text[at : at + 1] != "]":
            _, end = decoder.raw_decode(text, at)
            yield text[at:end]
            at = _skip(text, end)
            if text[at : at + 1] == ",":
                at = _skip(text, at + 1)
                if text[at : at + 1] == "]":
                    raise ValueError("there is no event after a comma")
            elif text[at : at + 1] != "]":
                raise ValueError("there is no comma or ] after an event")
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"it is no JSON array of events: {error}") from None
    if text[at + 1 :].strip():
        raise click.UsageError("it is no JSON array of events: there is more after it")


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at
