"""`hydria lineage`: where versions come from, and what was made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.graph_rows import graph_row, groups_row, impact_row, provenance_row
from hydria.cli.graph_text import group_lines, impact_lines, provenance_lines, tree_lines
from hydria.cli.invocation import Invocation, common_options
from hydria.cli.openlineage import ingest, print_events
from hydria.cli.output import print_json, print_lines
from hydria.cli.text import printable
from hydria.lineage.records import Direction

if TYPE_CHECKING:
    from hydria.lineage.graphs import GroupedLineage, LineageGraph, WalkLimits

_MAX_DEPTH = 100
_MAX_NODES = 10_000


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
    "--format", "format_", default="tree", show_default=True,
    type=click.Choice(["tree", "json", "dot", "mermaid", "openlineage"]), help="How to show it.",
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
) -> None:
    """Show where versions and runs come from, and what was made of them.

    REF names a version, or a run as ENTITY/PROJECT/runs/ID. The format openlineage prints the runs
    as events of that standard, one in a line. In a tree a * marks nodes of which there is more
    to see than --depth or --nodes let through.
    """
    from hydria.lineage.graphs import LineageGraph, WalkLimits

    if invocation.is_json and format_ not in ("tree", "json"):
        raise click.UsageError(f"--json and --format {format_} exclude each other")
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
        print_events(invocation, graph)
    else:
        _print(graph, "json" if invocation.is_json else format_)


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
    """Show what is affected if a version is bad: what was made of it and has an alias.

    The alias `latest` does not count.
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


def _print(graph: LineageGraph | GroupedLineage, format_: str) -> None:
    from hydria.lineage.drawing import to_dot, to_mermaid
    from hydria.lineage.graphs import LineageGraph

    if format_ == "dot":
        print_lines(to_dot(graph))
    elif format_ == "mermaid":
        print_lines(to_mermaid(graph))
    elif isinstance(graph, LineageGraph):
        if format_ == "json":
            print_json(graph_row(graph))
        else:
            print_lines("\n".join(map(printable, tree_lines(graph))))
    elif format_ == "json":
        print_json(groups_row(graph))
    else:
        print_lines("\n".join(group_lines(graph)))
