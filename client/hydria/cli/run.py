"""`hydria run`: runs, their metrics, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import Layout, print_pages
from hydria.cli.output import print_json, print_lines
from hydria.cli.run_rows import (
    comparison_row,
    history_row,
    last_metric_row,
    neighbour_row,
    number_text,
    run_row,
)
from hydria.cli.text import Table, names_text, printable, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.lineage.comparison import RunComparison
    from hydria.lineage.records import LastMetric, MetricHistory, Neighbour, RunInfo


@click.group()
@common_options
def run() -> None:
    """Look at runs: what they measured, used and made."""


@run.command()
@click.argument("project", metavar="[ENTITY/]PROJECT")
@click.option("--filter", "filter_", default="", help='E.g. "job_type = train AND tag:gold".')
@click.option("--order-by", default="", help='E.g. "created_at desc".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def ls(
    invocation: Invocation, project: str, filter_: str, order_by: str, limit: int | None
) -> None:
    """List the runs of a project, newest first.

    Filters know run_id, name, job_type, group, tag, state, created_at, updated_at and finished_at.
    """

    async def show_all(client: AsyncClient) -> None:
        runs = client.runs.list(project, filter=filter_, order_by=order_by)
        await print_pages(runs, limit, _RUNS, invocation)

    invocation.call(show_all)


@run.command()
@click.argument("name", metavar="RUN")
@common_options
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """Show a run: what is said about it, its inputs and outputs."""

    async def look(client: AsyncClient) -> tuple[RunInfo, list[Neighbour]]:
        found = await client.runs.get(name)
        return found, await client.runs.edges(found.ref).to_list()

    found, edges = invocation.call(look)
    if invocation.is_json:
        print_json({**run_row(found), "edges": [neighbour_row(edge) for edge in edges]})
        return
    for label, text in _facts(found).items():
        if text:
            print_lines(printable(f"{label:<12} {text}"))
    for edge in edges:
        print_lines(printable(f"{edge.edge.kind.value.lower():<12} {edge.node.ref}"))


@run.command()
@click.argument("name", metavar="RUN")
@click.argument("key", required=False)
@click.option("--prefix", default="", metavar="P", help="Only keys that begin with this.")
@click.option(
    "--points", type=click.IntRange(1, 10_000), default=20, metavar="N", help="At most so many."
)
@common_options
@click.pass_obj
def metrics(invocation: Invocation, name: str, key: str | None, prefix: str, points: int) -> None:
    """Show the last value of every metric, or the history of one, sampled down."""

    async def show_last(client: AsyncClient) -> None:
        found = client.runs.last_metrics(name, prefix)
        await print_pages(found, None, _METRICS, invocation)

    if key is None:
        invocation.call(show_last)
        return
    chosen = key
    history = invocation.call(lambda client: client.runs.metrics(name, chosen, max_points=points))
    if invocation.is_json:
        print_json(history_row(history))
        return
    print_lines("\n".join(_history_lines(history)))


@run.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--all", "with_equal", is_flag=True, help="Show what is the same in all, too.")
@common_options
@click.pass_obj
def compare(invocation: Invocation, names: tuple[str, ...], with_equal: bool) -> None:
    """Compare runs: config, summary, last metrics, inputs and outputs."""
    if len(names) < 2:
        raise click.UsageError("name at least two runs")
    compared = invocation.call(lambda client: client.lineage.compare(*names, with_equal=with_equal))
    if compared.is_truncated:
        click.echo("there is more that differs than can be shown", err=True)
    if invocation.is_json:
        print_json(comparison_row(compared))
        return
    print_lines("\n".join(_comparison_lines(compared)))


def _facts(found: RunInfo) -> dict[str, str]:
    ended = "" if found.exit_code is None else f" (exit code {found.exit_code})"
    return {
        "ref": found.ref,
        "name": found.display_name,
        "job type": found.job_type,
        "group": found.group,
        "tags": names_text(found.tags),
        "state": f"{found.state.value}{ended}",
        "attempt": str(found.attempt) if found.attempt > 1 else "",
        "description": found.description,
        "config": found.config_json if found.config_json != "{}" else "",
        "summary": found.summary_json if found.summary_json != "{}" else "",
        "commit": found.git_commit,
        "remote": found.git_remote,
        "command": " ".join(found.command_line),
        "created": time_text(found.created_at),
        "finished": time_text(found.finished_at) if found.finished_at else "",
    }


def _run_cells(found: RunInfo) -> Sequence[str]:
    return (
        found.run_id,
        found.display_name,
        found.job_type,
        found.state.value,
        names_text(found.tags),
        time_text(found.created_at),
    )


def _metric_cells(metric: LastMetric) -> Sequence[str]:
    return metric.key, str(metric.step), number_text(metric.value), f"{metric.point_count:,}"


def _history_lines(history: MetricHistory) -> Sequence[str]:
    headings = ("STEP", "LAST", "LEAST", "GREATEST")[: 4 if history.sampled else 2]
    columns = [history.last_values, history.min_values, history.max_values][: len(headings) - 1]
    rows = [
        (str(step), *(number_text(column[place]) for column in columns))
        for place, step in enumerate(history.steps)
    ]
    return list(Table(headings, right=headings).lines(rows))


def _comparison_lines(compared: RunComparison) -> Sequence[str]:
    headings = ("", *(info.display_name for info in compared.runs))
    rows: list[Sequence[str]] = []
    for title, section in compared.sections().items():
        rows += [
            (f"{title} {name}", *("-" if value is None else value for value in values))
            for name, values in section.items()
        ]
    return list(Table(headings).lines(rows)) if rows else ["nothing differs"]


_RUNS = Layout(run_row, _run_cells, ("ID", "NAME", "JOB TYPE", "STATE", "TAGS", "CREATED"))
_METRICS = Layout(
    last_metric_row,
    _metric_cells,
    ("KEY", "STEP", "VALUE", "POINTS"),
    right=("STEP", "VALUE", "POINTS"),
)
