"""Draws the rates of the newest runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.rows import Row

_COLOURS = ("#2f6f9f", "#b9c7d2")
_ROW_INCHES = 0.28


def draw_rates(target: Path, newest: Mapping[str, Sequence[Row]]) -> bool:
    """Draw all measurements in MB/s, a bar each; return whether there were any."""
    rows = [row for rows in newest.values() for row in rows if row.unit == "MB/s"]
    rows = [row for row in rows if "again, warm" not in row.name]  # moves nothing, so off the scale
    if not rows:
        return False
    # Without salt and date, so that the same results are the same file.
    with rc_context({"svg.hashsalt": "hydria", "svg.fonttype": "none"}):
        figure = _figure(rows)
        figure.savefig(target, format="svg", metadata={"Date": None})
    return True


def _figure(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(9, 1.6 + _ROW_INCHES * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    labels = [f"{row.workload}: {row.name.removesuffix(': rate')}" for row in rows]
    medians = [row.median for row in rows]
    colours = [_COLOURS[_is_reference(row)] for row in rows]
    below = [row.median - min(row.values) for row in rows]
    above = [max(row.values) - row.median for row in rows]
    bars = axes.barh(range(len(rows)), medians, color=colours, xerr=[below, above])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("MB/s, median; lines from the slowest to the fastest round; grey: others")
    axes.set_title(_caption(rows), fontsize=8)
    return figure


def _is_reference(row: Row) -> bool:
    """Tell whether a row is something that we are compared with."""
    if row.workload == "peers":
        return not row.name.startswith("Hydria")
    return row.name.startswith(("cp", "gRPC ceiling"))


def _caption(rows: Sequence[Row]) -> str:
    commits = ", ".join(sorted({row.commit for row in rows}))
    machines = "\n".join(sorted({row.machine for row in rows}))
    return f"commit {commits}\n{machines}"
