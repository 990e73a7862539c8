"""Calls about runs and lineage. Full names in, values out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask
from grpc import aio

from hydria.connection import Connection
from hydria.lineage import messages
from hydria.lineage.records import (
    Direction,
    EdgeKind,
    LastMetric,
    MetricHistory,
    Neighbour,
    NewEdge,
    Resume,
    RunInfo,
    RunState,
)
from hydria.messages import version_of
from hydria.pages import Pages
from hydria.records import Version
from hydria.status import error_of_rpc
from hydria.v1 import lineage_pb2 as pb

_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDraft:
    """What is said of a run when it begins. Empty fields say nothing."""

    entity: str
    project: str
    run_id: str = ""
    display_name: str = ""
    job_type: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    config_json: str = ""
    git_commit: str = ""
    git_remote: str = ""
    command_line: tuple[str, ...] = ()
    description: str = ""
    resume: Resume = Resume.NEVER
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRun:
    """A run that was begun or resumed, and how long it may be silent."""

    run: RunInfo
    resumed: bool
    silence_timeout_seconds: int


class LineageCalls:
    """One method for each call. Every one raises a `HydriaError` for what the server says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create_run(self, draft: RunDraft) -> BegunRun:
        """Begin a run, or resume one."""
        request = pb.CreateRunRequest(
            entity=draft.entity,
            project=draft.project,
            run_id=draft.run_id,
            display_name=draft.display_name,
            job_type=draft.job_type,
            group=draft.group,
            tags=draft.tags,
            config_json=draft.config_json,
            git_commit=draft.git_commit,
            git_remote=draft.git_remote,
            command_line=draft.command_line,
            description=draft.description,
            resume=messages.RESUME_MODES[draft.resume],
            request_id=draft.request_id,
        )
        response = await self._connection.call(self._connection.lineage.CreateRun, request)
        return BegunRun(
            run=messages.run_of(response.run),
            resumed=response.resumed,
            silence_timeout_seconds=response.silence_timeout_seconds,
        )

    async def run(self, run_ref: str) -> RunInfo:
        """Return a run with its documents."""
        request = pb.GetRunRequest(run_ref=run_ref)
        response = await self._connection.call(self._connection.lineage.GetRun, request)
        return messages.run_of(response.run)

    def runs(self, entity: str, project: str, *, filter: str, order_by: str) -> Pages[RunInfo]:
        """Return the runs of a project."""

        async def fetch(token: str) -> tuple[list[RunInfo], str]:
            request = pb.ListRunsRequest(
                entity=entity,
                project=project,
                filter=filter,
                order_by=order_by,
                page_size=_PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.lineage.ListRuns, request)
            return [messages.run_of(run) for run in page.runs], page.next_page_token

        return Pages(fetch)

    async def update_run(
        self, run_ref: str, given: dict[str, str | tuple[str, ...]], *, etag: str
    ) -> RunInfo:
        """Change the fields that are given, by their names in the contract."""
        request = pb.UpdateRunRequest(run_ref=run_ref, etag=etag)
        for name, value in given.items():
            if isinstance(value, str):
                setattr(request, name, value)
            else:
                request.tags.extend(value)
        request.update_mask.CopyFrom(FieldMask(paths=list(given)))
        response = await self._connection.call(self._connection.lineage.UpdateRun, request)
        return messages.run_of(response.run)

    async def heartbeat(self, run_ref: str, *, attempt: int) -> None:
        """Say that the process of a run is alive."""
        request = pb.HeartbeatRunRequest(run_ref=run_ref, attempt=attempt)
        await self._connection.call(self._connection.lineage.HeartbeatRun, request)

    async def finish_run(
        self,
        run_ref: str,
        state: RunState,
        *,
        exit_code: int | None,
        summary_json: str | None,
        attempt: int,
    ) -> RunInfo:
        """End a run."""
        request = pb.FinishRunRequest(
            run_ref=run_ref,
            state=messages.RUN_STATES[state],
            exit_code=exit_code,
            summary_json=summary_json,
            attempt=attempt,
        )
        response = await self._connection.call(self._connection.lineage.FinishRun, request)
        return messages.run_of(response.run)

    async def put_metrics(self, run_ref: str, batch: pb.MetricBatch, *, attempt: int) -> None:
        """Store one batch of points."""
        request = pb.PutMetricsRequest(run_ref=run_ref, batch=batch, attempt=attempt)
        await self._connection.call(self._connection.lineage.PutMetrics, request)

    async def log_metrics(
        self, run_ref: str, batches: AsyncIterator[pb.MetricBatch], *, attempt: int
    ) -> int:
        """Store batches on one stream; return how many points there were."""

        async def requests() -> AsyncIterator[pb.LogMetricsRequest]:
            header = pb.LogMetricsHeader(run_ref=run_ref, attempt=attempt)
            yield pb.LogMetricsRequest(header=header)
            async for batch in batches:
                yield pb.LogMetricsRequest(batch=batch)

        try:
            return (await self._connection.lineage.LogMetrics(requests())).point_count
        except aio.AioRpcError as failure:
            raise error_of_rpc(failure, address=str(self._connection.address)) from failure
        except (aio.UsageError, asyncio.CancelledError) as failure:
            self._connection.raise_if_closed(failure)
            raise

    async def metrics(
        self,
        run_ref: str,
        key: str,
        *,
        min_step: int,
        max_step: int | None,
        max_points: int,
        every_point: bool,
    ) -> MetricHistory:
        """Return the history of a metric, or a part of it."""
        request = pb.ListMetricsRequest(
            run_ref=run_ref,
            key=key,
            min_step=min_step,
            max_step=max_step,
            max_points=max_points,
            every_point=every_point,
        )
        response = await self._connection.call(self._connection.lineage.ListMetrics, request)
        return messages.history_of(key, response)

    def last_metrics(self, run_ref: str, *, prefix: str) -> Pages[LastMetric]:
        """Return the metrics of a run with their last values."""

        async def fetch(token: str) -> tuple[list[LastMetric], str]:
            request = pb.ListLastMetricsRequest(
                run_ref=run_ref, prefix=prefix, page_size=_PAGE_SIZE, page_token=token
            )
            page = await self._connection.call(self._connection.lineage.ListLastMetrics, request)
            found = [messages.last_metric_of(metric) for metric in page.metrics]
            return found, page.next_page_token

        return Pages(fetch)

    async def use(self, run_ref: str, ref: str, *, type: str) -> Version:
        """Record that a run uses a version, and return that."""
        request = pb.UseVersionRequest(run_ref=run_ref, ref=ref, type=type)
        response = await self._connection.call(self._connection.lineage.UseVersion, request)
        return version_of(response.version)

    async def record(self, entity: str, edges: Sequence[NewEdge]) -> int:
        """Record edges, all or none; return how many are new."""
        request = pb.RecordLineageRequest(
            entity=entity,
            edges=[
                pb.NewLineageEdge(
                    kind=messages.EDGE_KINDS[edge.kind],
                    run_ref=edge.run,
                    ref=edge.ref,
                    from_ref=edge.from_ref,
                )
                for edge in edges
            ],
        )
        response = await self._connection.call(self._connection.lineage.RecordLineage, request)
        return response.created_count

    def edges(
        self, node: str, *, direction: Direction, kinds: Sequence[EdgeKind]
    ) -> Pages[Neighbour]:
        """Return the edges of a node, in the order of recording."""

        async def fetch(token: str) -> tuple[list[Neighbour], str]:
            request = pb.ListLineageEdgesRequest(
                node=node,
                direction=messages.DIRECTIONS[direction],
                kinds=[messages.EDGE_KINDS[kind] for kind in kinds],
                page_size=_PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.lineage.ListLineageEdges, request)
            found = [messages.neighbour_of(neighbour) for neighbour in page.neighbours]
            return found, page.next_page_token

        return Pages(fetch)
