"""The lineage service on the wire."""

from __future__ import annotations

from hydria.v1 import lineage_pb2 as pb
from hydria.v1 import lineage_pb2_grpc
from hydria_server.domain.runs import RunChange
from hydria_server.rpc import lineage_messages as messages
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.lineage_graph import GraphRpcs
from hydria_server.rpc.messages import version_message
from hydria_server.rpc.metrics import MetricRpcs
from hydria_server.rpc.requests import list_request, mask_paths
from hydria_server.services.lineage_edges import EdgesRequest

_WORDS = (
    "display_name", "job_type", "group", "tags", "description", "config_json", "summary_json",
)  # fmt: skip


class LineageServicer(MetricRpcs, GraphRpcs, lineage_pb2_grpc.LineageServiceServicer):
    """Converts, calls a service, converts. Metrics and the graph have files of their own."""

    async def CreateRun(
        self, request: pb.CreateRunRequest, context: Context
    ) -> pb.CreateRunResponse:
        described = await self.services.runs.create(
            messages.run_request(request), actor=self.actor(context)
        )
        note("run", described.run.ref)
        return pb.CreateRunResponse(
            run=messages.described_run_message(described),
            resumed=described.resumed,
            silence_timeout_seconds=self.services.silence.timeout_seconds,
        )

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        described = await self.services.runs.get(request.run_ref)
        return pb.GetRunResponse(run=messages.described_run_message(described))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        listed = await self.services.runs.page(
            request.entity, request.project, list_request(request)
        )
        return pb.ListRunsResponse(
            runs=[messages.run_message(run) for run in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def UpdateRun(
        self, request: pb.UpdateRunRequest, context: Context
    ) -> pb.UpdateRunResponse:
        paths = mask_paths(request.update_mask, _WORDS)
        change = RunChange(
            display_name=request.display_name if "display_name" in paths else None,
            job_type=request.job_type if "job_type" in paths else None,
            group=request.group if "group" in paths else None,
            tags=tuple(request.tags) if "tags" in paths else None,
            description=request.description if "description" in paths else None,
            config_json=request.config_json if "config_json" in paths else None,
            summary_json=request.summary_json if "summary_json" in paths else None,
        )
        described = await self.services.runs.update(
            request.run_ref, change, etag=request.etag, actor=self.actor(context)
        )
        note("run", described.run.ref)
        return pb.UpdateRunResponse(run=messages.described_run_message(described))

    async def HeartbeatRun(
        self, request: pb.HeartbeatRunRequest, context: Context
    ) -> pb.HeartbeatRunResponse:
        await self.services.runs.heartbeat(
            request.run_ref, request.attempt, actor=self.actor(context)
        )
        return pb.HeartbeatRunResponse(state=pb.RUN_STATE_RUNNING)

    async def FinishRun(
        self, request: pb.FinishRunRequest, context: Context
    ) -> pb.FinishRunResponse:
        described = await self.services.runs.finish(
            request.run_ref,
            messages.run_state(request.state),
            exit_code=request.exit_code if request.HasField("exit_code") else None,
            summary_json=request.summary_json if request.HasField("summary_json") else None,
            attempt=request.attempt,
            actor=self.actor(context),
        )
        note("run", described.run.ref)
        return pb.FinishRunResponse(run=messages.described_run_message(described))

    async def UseVersion(
        self, request: pb.UseVersionRequest, context: Context
    ) -> pb.UseVersionResponse:
        use = await self.services.edges.use(
            request.run_ref, request.ref, type_=request.type, actor=self.actor(context)
        )
        note("version", use.version.ref)
        return pb.UseVersionResponse(version=version_message(use.version), created=use.created)

    async def RecordLineage(
        self, request: pb.RecordLineageRequest, context: Context
    ) -> pb.RecordLineageResponse:
        note("edges", len(request.edges))
        recorded = await self.services.batches.record(
            request.entity,
            [messages.edge_draft(edge) for edge in request.edges],
            actor=self.actor(context),
        )
        return pb.RecordLineageResponse(
            created_count=recorded.created_count, existing_count=recorded.existing_count
        )

    async def ListLineageEdges(
        self, request: pb.ListLineageEdgesRequest, context: Context
    ) -> pb.ListLineageEdgesResponse:
        page = await self.services.edges.list(
            EdgesRequest(
                request.node,
                messages.direction(request.direction),
                messages.edge_kinds(request.kinds),
                request.page_size,
                request.page_token,
            )
        )
        return pb.ListLineageEdgesResponse(
            node=messages.node_message(page.node),
            neighbours=[
                pb.LineageNeighbour(
                    edge=messages.edge_message(edge), node=messages.node_message(node)
                )
                for edge, node in page.neighbours
            ],
            next_page_token=page.next_page_token,
        )
