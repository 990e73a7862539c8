"""A team whose pipelines are recorded: short words for what the processes of its runs do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydria.v1 import artifact_pb2, lineage_pb2_grpc, types_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.servers import Server
from tests.teams import Team, given

USED = pb.LINEAGE_EDGE_KIND_USED
LOGGED = pb.LINEAGE_EDGE_KIND_LOGGED
DERIVED = pb.LINEAGE_EDGE_KIND_DERIVED
UP = pb.LINEAGE_DIRECTION_UPSTREAM
DOWN = pb.LINEAGE_DIRECTION_DOWNSTREAM


@dataclass(frozen=True, slots=True)
class RunTeam:
    """Calls about the runs of one entity."""

    team: Team
    stub: lineage_pb2_grpc.LineageServiceAsyncStub

    @classmethod
    def new(cls, server: Server) -> RunTeam:
        """Return a team that nobody else has."""
        return cls(Team.new(server), lineage_pb2_grpc.LineageServiceStub(server.channel))

    @property
    def name(self) -> str:
        return self.team.name

    # --- runs -------------------------------------------------------------------------------

    async def begin(
        self,
        run_id: str = "",
        *,
        job_type: str = "",
        group: str = "",
        display_name: str = "",
        tags: Sequence[str] = (),
        config_json: str = "",
        resume: pb.ResumeMode.ValueType = pb.RESUME_MODE_UNSPECIFIED,
        request_id: str = "",
        project: str = "birds",
    ) -> pb.CreateRunResponse:
        """Begin a run, or resume one."""
        return await self.stub.CreateRun(
            pb.CreateRunRequest(
                entity=self.name,
                project=project,
                run_id=run_id,
                job_type=job_type,
                group=group,
                display_name=display_name,
                tags=tags,
                config_json=config_json,
                resume=resume,
                request_id=request_id,
            )
        )

    async def run(self, run_id: str = "", *, job_type: str = "") -> str:
        """Begin a run, and return its ref."""
        return (await self.begin(run_id, job_type=job_type)).run.ref

    async def resume(self, run_id: str) -> pb.CreateRunResponse:
        """Resume a run."""
        return await self.begin(run_id, resume=pb.RESUME_MODE_MUST)

    async def get(self, run_ref: str) -> pb.Run:
        """Return a run as it stands."""
        return (await self.stub.GetRun(pb.GetRunRequest(run_ref=run_ref))).run

    async def beat(self, run_ref: str, *, attempt: int = 0) -> None:
        """Send a sign of life."""
        await self.stub.HeartbeatRun(pb.HeartbeatRunRequest(run_ref=run_ref, attempt=attempt))

    async def finish(
        self,
        run_ref: str,
        state: pb.RunState.ValueType = pb.RUN_STATE_FINISHED,
        *,
        attempt: int = 0,
        exit_code: int | None = None,
        summary_json: str | None = None,
    ) -> pb.Run:
        """End a run."""
        request = pb.FinishRunRequest(
            run_ref=run_ref,
            state=state,
            attempt=attempt,
            exit_code=exit_code,
            summary_json=summary_json,
        )
        return (await self.stub.FinishRun(request)).run

    async def ids(self, filter: str = "", *, order_by: str = "") -> list[str]:
        """Return the ids of the runs of the project."""
        request = pb.ListRunsRequest(
            entity=self.name, project="birds", filter=filter, order_by=order_by
        )
        return [run.run_id for run in (await self.stub.ListRuns(request)).runs]

    # --- metrics ----------------------------------------------------------------------------

    async def put(
        self,
        run_ref: str,
        series: Mapping[str, Mapping[int, float]],
        *,
        attempt: int = 0,
    ) -> pb.PutMetricsResponse:
        """Log points: by key, the value at each step."""
        request = pb.PutMetricsRequest(run_ref=run_ref, attempt=attempt, batch=metric_batch(series))
        return await self.stub.PutMetrics(request)

    async def stream(
        self, run_ref: str, *batches: pb.MetricBatch, attempt: int = 0
    ) -> pb.LogMetricsResponse:
        """Log batches on a stream."""
        header = pb.LogMetricsHeader(run_ref=run_ref, attempt=attempt)
        messages = [pb.LogMetricsRequest(header=header)]
        messages += [pb.LogMetricsRequest(batch=batch) for batch in batches]
        return await self.stub.LogMetrics(given(messages))

    async def history(
        self, run_ref: str, key: str = "loss", *, max_points: int = 0, every_point: bool = False
    ) -> pb.ListMetricsResponse:
        """Return the history of a metric."""
        return await self.stub.ListMetrics(
            pb.ListMetricsRequest(
                run_ref=run_ref, key=key, max_points=max_points, every_point=every_point
            )
        )

    async def points(self, run_ref: str, key: str = "loss") -> dict[int, float]:
        """Return every point of a short metric."""
        history = await self.history(run_ref, key, max_points=10_000, every_point=True)
        return dict(zip(history.steps, history.last_values, strict=True))

    # --- edges ------------------------------------------------------------------------------

    async def log(
        self, run_ref: str, *, collection: str = "calls", content: bytes = b"", type_: str = ""
    ) -> types_pb2.Version:
        """Make a version that a run logs."""
        request = artifact_pb2.PutVersionRequest(
            entity=self.name,
            project="birds",
            collection=collection,
            type=type_ or "dataset",
            files=[artifact_pb2.InlineFile(path="file", content=content)],
            run_ref=run_ref,
        )
        return (await self.team.stub.PutVersion(request)).version

    async def use(self, run_ref: str, ref: str, *, type_: str = "") -> pb.UseVersionResponse:
        """Record that a run uses a version."""
        return await self.stub.UseVersion(
            pb.UseVersionRequest(run_ref=run_ref, ref=ref, type=type_)
        )

    async def record(self, *edges: pb.NewLineageEdge, entity: str = "") -> tuple[int, int]:
        """Record edges; return how many are new, and how many were there."""
        response = await self.stub.RecordLineage(
            pb.RecordLineageRequest(entity=entity or self.name, edges=edges)
        )
        return response.created_count, response.existing_count

    async def edges(
        self,
        node: str,
        direction: pb.LineageDirection.ValueType = pb.LINEAGE_DIRECTION_UNSPECIFIED,
        *kinds: pb.LineageEdgeKind.ValueType,
        page_size: int = 0,
        page_token: str = "",
    ) -> pb.ListLineageEdgesResponse:
        """Return the edges of a node."""
        return await self.stub.ListLineageEdges(
            pb.ListLineageEdgesRequest(
                node=node,
                direction=direction,
                kinds=kinds,
                page_size=page_size,
                page_token=page_token,
            )
        )

    async def others(
        self,
        node: str,
        direction: pb.LineageDirection.ValueType = pb.LINEAGE_DIRECTION_UNSPECIFIED,
        *kinds: pb.LineageEdgeKind.ValueType,
    ) -> list[str]:
        """Return the refs at the other ends of a node's edges."""
        return [each.node.ref for each in (await self.edges(node, direction, *kinds)).neighbours]

    # --- events of other systems ------------------------------------------------------------

    async def ingest(self, *events: str) -> pb.IngestOpenLineageResponse:
        """Take in OpenLineage events."""
        return await self.stub.IngestOpenLineage(
            pb.IngestOpenLineageRequest(entity=self.name, project="birds", events=events)
        )


def metric_batch(series: Mapping[str, Mapping[int, float]]) -> pb.MetricBatch:
    """Return a batch of points: by key, the value at each step."""
    return pb.MetricBatch(
        series=[
            pb.MetricSeries(key=key, steps=list(points), values=list(points.values()))
            for key, points in series.items()
        ]
    )


def used(run_ref: str, ref: str) -> pb.NewLineageEdge:
    """Return the edge that says that a run used a version."""
    return pb.NewLineageEdge(kind=USED, run_ref=run_ref, ref=ref)


def logged(run_ref: str, ref: str) -> pb.NewLineageEdge:
    """Return the edge that says that a run logged a version."""
    return pb.NewLineageEdge(kind=LOGGED, run_ref=run_ref, ref=ref)


def derived(ref: str, from_ref: str) -> pb.NewLineageEdge:
    """Return the edge that says that a version was made from another."""
    return pb.NewLineageEdge(kind=DERIVED, ref=ref, from_ref=from_ref)
