"""`hydria lineage`: where versions come from, and what was made of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hydria.cli.graph_rows import graph_row, groups_row, impact_row, provenance_row
from hydria.cli.graph_text import group_lines, impact_lines, provenance_lines, tree_lines
from hydria.cli.invocation import Invocation, common_options
from hydria.cli.openlineage import ingest, print_events
from hydria.cli.output import print_bytes, print_json, print_lines, to_json
from hydria.cli.text import printable
from hydria.lineage.records import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hydria.lineage.graphs import GroupedLineage, LineageGraph, WalkLimits

_MAX_DEPTH = 100
_MAX_NODES = 10_000
_PICTURES = ("svg", "png")
_FORMATS = ("tree", "json", "dot", "mermaid", "openlineage", *_PICTURES)


class _Questions(click.Group):
    """A group whose first argument may be a ref, too: then a walk is meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_question = bool(args) and args[0] in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if is_question else ["walk", *args])


@click.group(cls=_Questions)
def lineage() -> None:
    """Show where versions and runs come from, and what was made of them.

    `hydria lineage REF` is `hydria lineage walk REF`.
    """


@lineage.command()
@click.argument("nodes", nargs=-1, required=True, metavar="REF...")
@click.option("--up", "way", flag_value=Direction.UPSTREAM, help="Only what it comes from.")
@click.option("--down", "way", flag_value=Direction.DOWNSTREAM, help="Only what was made of it.")
@click.option(
    "--both", "way", flag_value=Direction.BOTH, default=True, help="Both; this is the default."
)
@click.option(
    "--depth", type=click.IntRange(1, _MAX_DEPTH), default=5, metavar="N", show_default=True,
    help="How many hops.",
)  # fmt: skip
@click.option(
    "--nodes", "max_nodes", type=click.IntRange(1, _MAX_NODES), default=1_000, metavar="N",
    show_default=True, help="Visit at most so many nodes.",
)  # fmt: skip
@click.option("--type", "types", multiple=True, metavar="T", help="Show versions only of type T.")
@click.option("--job-type", "job_types", multiple=True, metavar="T", help="Show runs only of it.")
@click.option("--project", "projects", multiple=True, metavar="P", help="Show only [ENTITY/]P.")
@click.option("--grouped", is_flag=True, help="By types and job types, with counts.")
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="tree", show_default=True,
    help="How to show it.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), metavar="FILE",
    help="Write it there and not to standard output.",
)  # fmt: skip
@common_options
@click.pass_obj
def walk(
    invocation: Invocation,
    nodes: tuple[str, ...],
    way: Direction,
    depth: int,
    max_nodes: int,
    types: tuple[str, ...],
    job_types: tuple[str, ...],
    projects: tuple[str, ...],
    grouped: bool,
    format_: str,
    output: str | None,
) -> None:
    """Show where versions and runs come from, and what was made of them.

    REF names a version, or a run as ENTITY/PROJECT/runs/ID. In a tree a * marks nodes of which
    there is more to see than --depth or --nodes let through. The format openlineage prints runs as
    events of that standard, one in a line. Pictures (svg, png) go to a file or into a pipe; they
    need Graphviz, or pip install 'hydria[pictures]'.
    """
    from hydria.lineage.graphs import LineageGraph, WalkLimits

    _check_output(invocation, format_, output)
    limits = WalkLimits(
        max_depth=depth,
        max_nodes=max_nodes,
        types=types,
        job_types=job_types,
        projects=projects,
    )
    if grouped and format_ == "openlineage":
        raise click.UsageError("--grouped and --format openlineage exclude each other")
    graph = _walk(invocation, nodes, way, limits, grouped=grouped)
    if not graph.is_whole:
        click.echo("there is more: see --depth and --nodes", err=True)
    if isinstance(graph, LineageGraph) and format_ == "openlineage":
        print_events(invocation, graph, output)
        return
    format_ = "json" if invocation.is_json else format_
    _write(_formatted(graph, format_), format_, output)


lineage.add_command(ingest)


@lineage.command()
@click.argument("node", metavar="REF")
@click.option(
    "--nodes", "max_nodes", type=click.IntRange(1, _MAX_NODES), default=1_000, metavar="N",
    show_default=True, help="Visit at most so many nodes.",
)  # fmt: skip
@common_options
@click.pass_obj
def provenance(invocation: Invocation, node: str, max_nodes: int) -> None:
    """Show what to have and what to do to make a version again.

    The sources are versions that no run made. The steps are the runs upstream with their config
    and code, in an order in which they can be done.
    """
    found = invocation.call(lambda client: client.lineage.provenance(node, max_nodes=max_nodes))
    if found.is_truncated:
        click.echo("there is more: see --nodes", err=True)
    if invocation.is_json:
        print_json(provenance_row(found))
    else:
        print_lines("\n".join(map(printable, provenance_lines(found))))


@lineage.command()
@click.argument("node", metavar="REF")
@click.option(
    "--nodes", "max_nodes", type=click.IntRange(1, _MAX_NODES), default=_MAX_NODES, metavar="N",
    show_default=True, help="Visit at most so many nodes.",
)  # fmt: skip
@common_options
@click.pass_obj
def impact(invocation: Invocation, node: str, max_nodes: int) -> None:
    """Show what is affected if a version is bad: what was made of it and is asked for.

    That is what has an alias other than `latest`, a link in a registry, or somebody who serves it.
    """
    found = invocation.call(lambda client: client.lineage.impact(node, max_nodes=max_nodes))
    if found.is_truncated:
        click.echo("there is more downstream than was visited: see --nodes", err=True)
    if invocation.is_json:
        print_json(impact_row(found))
    elif found.versions:
        print_lines("\n".join(impact_lines(found)))
    else:
        click.echo("nothing there", err=True)


def _walk(
    invocation: Invocation,
    nodes: tuple[str, ...],
    way: Direction,
    limits: WalkLimits,
    *,
    grouped: bool,
) -> LineageGraph | GroupedLineage:
    if grouped:
        return invocation.call(
            lambda client: client.lineage.walk_groups(*nodes, direction=way, limits=limits)
        )
    return invocation.call(lambda client: client.lineage.walk(*nodes, direction=way, limits=limits))


def _check_output(invocation: Invocation, format_: str, output: str | None) -> None:
    if invocation.is_json and format_ not in ("tree", "json"):
        raise click.UsageError(f"--json and --format {format_} exclude each other")
    if invocation.is_json and output is not None:
        raise click.UsageError("--json and --output exclude each other: take --format json")
    if format_ in _PICTURES and output is None and _is_terminal():
        raise click.UsageError(f"{format_} is not for a terminal: name a file by -o, or a pipe")


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _write(data: str | bytes, format_: str, output: str | None) -> None:
    """Write a graph to a file, or to standard output: text in UTF-8, but for what people read."""
    if output is None and isinstance(data, str) and format_ == "tree":
        print_lines(data)
        return
    written = f"{data}\n".encode() if isinstance(data, str) else data
    if output is None:
        print_bytes(written)
    else:
        Path(output).write_bytes(written)


def _formatted(graph: LineageGraph | GroupedLineage, format_: str) -> str | bytes:
    """Return a graph in some format."""
    from hydria.lineage.drawing import to_dot, to_mermaid, to_png, to_svg

    formats: Mapping[str, Callable[[LineageGraph | GroupedLineage], str | bytes]] = {
        "tree": _tree,
        "json": _json,
        "dot": to_dot,
        "mermaid": to_mermaid,
        "svg": to_svg,
        "png": to_png,
    }
    return formats[format_](graph)


def _tree(graph: LineageGraph | GroupedLineage) -> str:
    from hydria.lineage.graphs import LineageGraph

    if isinstance(graph, LineageGraph):
        return "\n".join(map(printable, tree_lines(graph)))
    return "\n".join(group_lines(graph))


def _json(graph: LineageGraph | GroupedLineage) -> str:
    from hydria.lineage.graphs import LineageGraph

    return to_json(graph_row(graph) if isinstance(graph, LineageGraph) else groups_row(graph))
