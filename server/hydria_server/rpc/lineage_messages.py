"""Pure conversions between the messages of lineage and what the services take. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.errors import BatchTooLargeError, FieldViolationError
from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    Node,
    RunId,
    RunNode,
    VersionId,
    VersionNode,
)
from hydria_server.domain.metrics import (
    MAX_POINTS_PER_BATCH,
    MetricRecord,
    MetricSeries,
    points_of,
    require_key,
    require_steps,
)
from hydria_server.domain.runs import RunDocuments, RunRecord, RunState
from hydria_server.rpc.messages import set_time, timestamp
from hydria_server.services.etags import format_etag
from hydria_server.services.lineage_batches import EdgeDraft
from hydria_server.services.metric_buckets import MetricHistory
from hydria_server.services.run_requests import ResumeMode, RunRequest
from hydria_server.services.runs import DescribedRun

RUN_STATES = {
    RunState.RUNNING: pb.RUN_STATE_RUNNING,
    RunState.FINISHED: pb.RUN_STATE_FINISHED,
    RunState.FAILED: pb.RUN_STATE_FAILED,
    RunState.CRASHED: pb.RUN_STATE_CRASHED,
    RunState.KILLED: pb.RUN_STATE_KILLED,
}
EDGE_KINDS = {
    EdgeKind.USED: pb.LINEAGE_EDGE_KIND_USED,
    EdgeKind.LOGGED: pb.LINEAGE_EDGE_KIND_LOGGED,
    EdgeKind.DERIVED: pb.LINEAGE_EDGE_KIND_DERIVED,
}
_STATES = {value: state for state, value in RUN_STATES.items()}
_KINDS = {value: kind for kind, value in EDGE_KINDS.items()}
_DIRECTIONS = {
    pb.LINEAGE_DIRECTION_UNSPECIFIED: Direction.BOTH,
    pb.LINEAGE_DIRECTION_UPSTREAM: Direction.UPSTREAM,
    pb.LINEAGE_DIRECTION_DOWNSTREAM: Direction.DOWNSTREAM,
    pb.LINEAGE_DIRECTION_BOTH: Direction.BOTH,
}
_RESUME_MODES = {
    pb.RESUME_MODE_UNSPECIFIED: ResumeMode.NEVER,
    pb.RESUME_MODE_NEVER: ResumeMode.NEVER,
    pb.RESUME_MODE_ALLOW: ResumeMode.ALLOW,
    pb.RESUME_MODE_MUST: ResumeMode.MUST,
}


def run_message(run: RunRecord, documents: RunDocuments | None = None) -> pb.Run:
    """Return a run as clients see it; in lists it comes without its documents."""
    message = pb.Run(
        ref=run.ref,
        entity=run.entity,
        project=run.project,
        run_id=run.run_id,
        display_name=run.display_name,
        job_type=run.job_type,
        group=run.group,
        tags=run.tags,
        state=RUN_STATES[run.state],
        exit_code=run.exit_code,
        attempt=run.attempt,
        created_at=timestamp(run.created_at_us),
        updated_at=timestamp(run.updated_at_us),
        heartbeat_at=timestamp(run.heartbeat_at_us),
        etag=format_etag(run.revision),
    )
    if run.finished_at_us is not None:
        message.finished_at.CopyFrom(timestamp(run.finished_at_us))
    if documents is not None:
        message.git_commit = documents.git_commit
        message.git_remote = documents.git_remote
        message.command_line.extend(documents.command_line)
        message.description = documents.description
        message.config_json = documents.config_json
        message.summary_json = documents.summary_json
    return message


def described_run_message(described: DescribedRun) -> pb.Run:
    """Return a run with its documents."""
    return run_message(described.run, described.documents)


def run_request(request: pb.CreateRunRequest) -> RunRequest:
    """Return what CreateRun asks for.

    Raises:
        FieldViolationError: `resume` is no mode.
    """
    if request.resume not in _RESUME_MODES:
        raise FieldViolationError("resume", f"{request.resume} is none of the modes")
    return RunRequest(
        entity=request.entity,
        project=request.project,
        run_id=request.run_id,
        display_name=request.display_name,
        job_type=request.job_type,
        group=request.group,
        tags=tuple(request.tags),
        config_json=request.config_json,
        git_commit=request.git_commit,
        git_remote=request.git_remote,
        command_line=tuple(request.command_line),
        description=request.description,
        resume=_RESUME_MODES[request.resume],
        request_id=request.request_id,
    )


def run_state(value: pb.RunState.ValueType) -> RunState:
    """Return a state of a run.

    Raises:
        FieldViolationError: it is none.
    """
    if value not in _STATES:
        raise FieldViolationError("state", f"{value} is none of the states of a run")
    return _STATES[value]


def metric_series(batch: pb.MetricBatch, *, now_us: int) -> list[MetricSeries]:
    """Return the points of a batch, checked.

    Raises:
        BatchTooLargeError: there are too many.
        FieldViolationError: a key, a step or a column is malformed, or a key comes twice.
    """
    count = sum(len(series.steps) for series in batch.series)
    if count > MAX_POINTS_PER_BATCH:
        raise BatchTooLargeError(
            f"{count} points are more than {MAX_POINTS_PER_BATCH}",
            details={"limit": str(MAX_POINTS_PER_BATCH)},
        )
    if len({series.key for series in batch.series}) < len(batch.series):
        raise FieldViolationError("series", "one key comes twice")
    return [_series(series, now_us) for series in batch.series]


def _series(series: pb.MetricSeries, now_us: int) -> MetricSeries:
    key, steps = require_key(series.key, field="key"), series.steps
    require_steps(steps, field="steps")
    if len(series.values) != len(steps):
        raise FieldViolationError(
            "values", f"{key!r} has {len(steps)} steps and {len(series.values)} values"
        )
    if len(series.times_us) not in (0, len(steps)):
        raise FieldViolationError(
            "times_us", f"{key!r} has {len(steps)} steps and {len(series.times_us)} times"
        )
    times_us: Sequence[int] = series.times_us or [now_us] * len(steps)
    return MetricSeries(key, points_of(steps, series.values, times_us))


def history_message(history: MetricHistory) -> pb.ListMetricsResponse:
    """Return a history by columns."""
    return pb.ListMetricsResponse(
        steps=history.steps,
        last_values=history.last_values,
        min_values=history.min_values,
        max_values=history.max_values,
        point_counts=history.point_counts,
        nan_counts=history.nan_counts,
        times_us=history.times_us,
        sampled=history.sampled,
        has_more=history.has_more,
    )


def last_metric_message(metric: MetricRecord) -> pb.LastMetric:
    """Return a metric with its last value."""
    return pb.LastMetric(
        key=metric.key,
        step=metric.last_step,
        value=metric.last_value,
        time_us=metric.last_time_us,
        point_count=metric.point_count,
    )


def edge_draft(edge: pb.NewLineageEdge) -> EdgeDraft:
    """Return an edge to record.

    Raises:
        FieldViolationError: it says no kind.
    """
    (kind,) = edge_kinds([edge.kind])
    return EdgeDraft(kind, edge.ref, edge.run_ref, edge.from_ref)


def edge_kinds(values: Iterable[pb.LineageEdgeKind.ValueType]) -> list[EdgeKind]:
    """Return kinds of edges.

    Raises:
        FieldViolationError: one is none.
    """
    kinds = list(values)
    for value in kinds:
        if value not in _KINDS:
            raise FieldViolationError("kind", f"{value} is none of the kinds of edges")
    return [_KINDS[value] for value in kinds]


def direction(value: pb.LineageDirection.ValueType) -> Direction:
    """Return a direction.

    Raises:
        FieldViolationError: it is none.
    """
    if value not in _DIRECTIONS:
        raise FieldViolationError("direction", f"{value} is none of the directions")
    return _DIRECTIONS[value]


def edge_message(edge: EdgeRecord) -> pb.LineageEdge:
    """Return an edge as clients see it."""
    message = pb.LineageEdge()
    set_edge(message, edge)
    return message


def set_edge(message: pb.LineageEdge, edge: EdgeRecord) -> None:
    """Set a new message to an edge: half the work of making one to copy."""
    message.kind = EDGE_KINDS[edge.kind]
    message.source_id = str(edge.source)
    message.target_id = str(edge.target)
    message.recorded_ref = edge.recorded_ref
    message.requested_ref = edge.requested_ref
    set_time(message.recorded_at, edge.recorded_at_us)


def node_message(node: Node) -> pb.LineageNode:
    """Return a node as clients see it."""
    message = pb.LineageNode()
    set_node(message, node)
    return message


def set_node(message: pb.LineageNode, node: Node) -> None:
    """Set a new message to a node, as `set_edge` does."""
    if isinstance(node, VersionNode):
        _set_version(message, node)
    else:
        _set_run(message, node)
    message.entity = node.entity
    message.project = node.project
    set_time(message.created_at, node.created_at_us)


def _set_version(message: pb.LineageNode, version: VersionNode) -> None:
    name = f"{version.collection}:v{version.number}"
    message.id = str(VersionId(version.id))
    message.kind = pb.LINEAGE_NODE_KIND_VERSION
    message.ref = version.ref
    message.label = f"{version.type}:{name}"
    message.name = name
    message.type = version.type
    message.digest = version.digest
    if version.deleted_at_us is not None:
        set_time(message.deleted_at, version.deleted_at_us)


def _set_run(message: pb.LineageNode, run: RunNode) -> None:
    message.id = str(RunId(run.id))
    message.kind = pb.LINEAGE_NODE_KIND_RUN
    message.ref = run.ref
    message.label = f"{run.job_type or 'run'}:{run.display_name}"
    message.name = run.display_name
    message.type = run.job_type
    message.run_state = RUN_STATES[run.state]
