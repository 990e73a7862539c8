"""Messages about runs to values of the library, and back. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.digests import format_digest
from hydria.errors import InvalidArgumentError
from hydria.lineage import records
from hydria.messages import metadata_text, time_of
from hydria.v1 import lineage_pb2 as pb

RUN_STATES = {
    records.RunState.RUNNING: pb.RUN_STATE_RUNNING,
    records.RunState.FINISHED: pb.RUN_STATE_FINISHED,
    records.RunState.FAILED: pb.RUN_STATE_FAILED,
    records.RunState.CRASHED: pb.RUN_STATE_CRASHED,
    records.RunState.KILLED: pb.RUN_STATE_KILLED,
}
RESUME_MODES = {
    records.Resume.NEVER: pb.RESUME_MODE_NEVER,
    records.Resume.ALLOW: pb.RESUME_MODE_ALLOW,
    records.Resume.MUST: pb.RESUME_MODE_MUST,
}
EDGE_KINDS = {
    records.EdgeKind.USED: pb.LINEAGE_EDGE_KIND_USED,
    records.EdgeKind.LOGGED: pb.LINEAGE_EDGE_KIND_LOGGED,
    records.EdgeKind.DERIVED: pb.LINEAGE_EDGE_KIND_DERIVED,
}
DIRECTIONS = {
    records.Direction.UPSTREAM: pb.LINEAGE_DIRECTION_UPSTREAM,
    records.Direction.DOWNSTREAM: pb.LINEAGE_DIRECTION_DOWNSTREAM,
    records.Direction.BOTH: pb.LINEAGE_DIRECTION_BOTH,
}
MAX_DOCUMENT_BYTES = 1024 * 1024
_STATES = {value: state for state, value in RUN_STATES.items()}
_KINDS = {value: kind for kind, value in EDGE_KINDS.items()}


def document_text(field: str, document: Mapping[str, object] | str | None) -> str:
    """Return a config or summary as the JSON text that is sent; a text is sent as it is.

    Raises:
        InvalidArgumentError: something in it has no form in JSON, or it is larger than 1 MiB.
    """
    text = metadata_text(document)
    if len(text.encode("utf-8", "replace")) > MAX_DOCUMENT_BYTES:
        raise InvalidArgumentError(
            f"the {field} is larger than {MAX_DOCUMENT_BYTES} bytes; log it as a file instead"
        )
    return text


def run_of(message: pb.Run) -> records.RunInfo:
    """Return the run that a message describes."""
    return records.RunInfo(
        ref=message.ref,
        entity=message.entity,
        project=message.project,
        run_id=message.run_id,
        display_name=message.display_name,
        job_type=message.job_type,
        group=message.group,
        tags=tuple(message.tags),
        state=_STATES[message.state],
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        attempt=message.attempt,
        git_commit=message.git_commit,
        git_remote=message.git_remote,
        command_line=tuple(message.command_line),
        description=message.description,
        config_json=message.config_json,
        summary_json=message.summary_json,
        created_at=time_of(message.created_at),
        updated_at=time_of(message.updated_at),
        heartbeat_at=time_of(message.heartbeat_at),
        finished_at=_time(message, "finished_at"),
        etag=message.etag,
    )


def history_of(key: str, message: pb.ListMetricsResponse) -> records.MetricHistory:
    """Return the history that a message holds."""
    return records.MetricHistory(
        key=key,
        steps=tuple(message.steps),
        last_values=tuple(message.last_values),
        times_us=tuple(message.times_us),
        sampled=message.sampled,
        min_values=tuple(message.min_values),
        max_values=tuple(message.max_values),
        point_counts=tuple(message.point_counts),
        nan_counts=tuple(message.nan_counts),
        has_more=message.has_more,
    )


def last_metric_of(message: pb.LastMetric) -> records.LastMetric:
    """Return the metric that a message describes."""
    return records.LastMetric(
        key=message.key,
        step=message.step,
        value=message.value,
        time_us=message.time_us,
        point_count=message.point_count,
    )


def neighbour_of(message: pb.LineageNeighbour) -> records.Neighbour:
    """Return the edge and the node that a message describes."""
    return records.Neighbour(edge=edge_of(message.edge), node=node_of(message.node))


def edge_of(message: pb.LineageEdge) -> records.LineageEdge:
    """Return the edge that a message describes."""
    return records.LineageEdge(
        kind=_KINDS[message.kind],
        source_id=message.source_id,
        target_id=message.target_id,
        recorded_at=time_of(message.recorded_at),
        recorded_ref=message.recorded_ref,
        requested_ref=message.requested_ref,
    )


def node_of(message: pb.LineageNode) -> records.LineageNode:
    """Return the node that a message describes."""
    is_run = message.kind == pb.LINEAGE_NODE_KIND_RUN
    return records.LineageNode(
        id=message.id,
        kind=records.NodeKind.RUN if is_run else records.NodeKind.VERSION,
        ref=message.ref,
        label=message.label,
        entity=message.entity,
        project=message.project,
        name=message.name,
        type=message.type,
        digest="" if is_run else format_digest(message.digest),
        created_at=time_of(message.created_at),
        deleted_at=_time(message, "deleted_at"),
        run_state=_STATES[message.run_state] if is_run else None,
    )


def _time(message: pb.Run | pb.LineageNode, field: str) -> datetime | None:
    moment: Timestamp = getattr(message, field)
    return time_of(moment) if message.HasField(field) else None  # type: ignore[arg-type]
