"""Runs and lineage as rows of JSON. Scripts depend on these keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hydria.cli.output import JsonText, JsonValue
from hydria.cli.rows import Row, rfc3339

if TYPE_CHECKING:
    from hydria.lineage.comparison import RunComparison
    from hydria.lineage.records import LastMetric, MetricHistory, Neighbour, RunInfo


def run_row(run: RunInfo) -> Row:
    """Return all that is known of a run; lists leave config and summary out."""
    row: Row = {
        "ref": run.ref,
        "id": run.run_id,
        "name": run.display_name,
        "project": run.project,
        "job_type": run.job_type,
        "group": run.group,
        "tags": run.tags,
        "state": run.state.value,
        "exit_code": run.exit_code,
        "attempt": run.attempt,
        "created_at": rfc3339(run.created_at),
        "updated_at": rfc3339(run.updated_at),
        "heartbeat_at": rfc3339(run.heartbeat_at),
        "finished_at": rfc3339(run.finished_at) if run.finished_at else None,
        "etag": run.etag,
    }
    if run.config_json:
        row |= {
            "config": JsonText(run.config_json),
            "summary": JsonText(run.summary_json),
            "description": run.description,
            "git_commit": run.git_commit,
            "git_remote": run.git_remote,
            "command_line": run.command_line,
        }
    return row


def last_metric_row(metric: LastMetric) -> Row:
    """Return a metric with its last value."""
    return {
        "key": metric.key,
        "step": metric.step,
        "value": number(metric.value),
        "time_us": metric.time_us,
        "point_count": metric.point_count,
    }


def history_row(history: MetricHistory) -> Row:
    """Return a history by columns."""
    row: Row = {
        "key": history.key,
        "sampled": history.sampled,
        "steps": history.steps,
        "last_values": [number(value) for value in history.last_values],
        "times_us": history.times_us,
    }
    if history.sampled:
        row |= {
            "min_values": [number(value) for value in history.min_values],
            "max_values": [number(value) for value in history.max_values],
            "point_counts": history.point_counts,
            "nan_counts": history.nan_counts,
        }
    return row


def neighbour_row(neighbour: Neighbour) -> Row:
    """Return an edge, and the node at its other end."""
    edge, node = neighbour.edge, neighbour.node
    return {
        "kind": edge.kind.value,
        "ref": node.ref,
        "label": node.label,
        "digest": node.digest or None,
        "requested_ref": edge.requested_ref or None,
        "recorded_at": rfc3339(edge.recorded_at),
        "deleted_at": rfc3339(node.deleted_at) if node.deleted_at else None,
    }


def comparison_row(compared: RunComparison) -> Row:
    """Return what differs, each value in the order of the runs, null where there is none."""
    documents: Row = {
        title: {
            name: [None if value is None else JsonText(value) for value in values]
            for name, values in section.items()
        }
        for title, section in (("config", compared.config), ("summary", compared.summary))
    }
    return {
        "runs": [run_row(run) for run in compared.runs],
        **documents,
        "metrics": {
            key: [None if value is None else number(value) for value in values]
            for key, values in compared.metrics.items()
        },
        "inputs": compared.inputs,
        "outputs": compared.outputs,
        "truncated": compared.is_truncated,
    }


def number(value: float) -> JsonValue:
    """Return a number as JSON can say it: NaN and infinities are texts, as in proto3."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def number_text(value: float) -> str:
    """Return a number as people read it."""
    return f"{value:.6g}"
