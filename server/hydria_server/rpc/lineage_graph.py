"""The calls on the graph."""

from __future__ import annotations

from hydria.v1 import lineage_pb2 as pb
from hydria_server.rpc import graph_messages as messages
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.impact_messages import impact_message
from hydria_server.rpc.metrics import LineageRpcs
from hydria_server.rpc.run_comparison import comparison_message
from hydria_server.services.node_questions import NodeQuestion
from hydria_server.services.openlineage.ingest import IngestRequest


class GraphRpcs(LineageRpcs):
    """Walks through the graph, questions about it, and what other systems tell of theirs."""

    async def TraverseLineage(
        self, request: pb.TraverseLineageRequest, context: Context
    ) -> pb.TraverseLineageResponse:
        wanted = messages.traversal_request(request)
        if messages.is_grouped(request.shape):
            graph = await self.services.traversals.groups(wanted)
            note("nodes", len(graph.walk.reached))
            return messages.grouped_message(graph)
        page, next_page_token = await self.services.traversals.page(wanted)
        note("nodes", len(page.walk.reached))
        return messages.page_message(page, next_page_token)

    async def GetProvenance(
        self, request: pb.GetProvenanceRequest, context: Context
    ) -> pb.GetProvenanceResponse:
        found = await self.services.provenances.get(
            NodeQuestion(request.node, request.max_nodes, request.page_size, request.page_token)
        )
        return messages.provenance_message(found)

    async def CompareRuns(
        self, request: pb.CompareRunsRequest, context: Context
    ) -> pb.CompareRunsResponse:
        compared = await self.services.comparisons.compare(
            request.run_refs, with_equal=request.with_equal
        )
        return comparison_message(compared)

    async def GetImpact(
        self, request: pb.GetImpactRequest, context: Context
    ) -> pb.GetImpactResponse:
        found = await self.services.impacts.get(
            NodeQuestion(request.node, request.max_nodes, request.page_size, request.page_token)
        )
        return impact_message(found)

    async def IngestOpenLineage(
        self, request: pb.IngestOpenLineageRequest, context: Context
    ) -> pb.IngestOpenLineageResponse:
        note("events", len(request.events))
        ingested = await self.services.openlineage.ingest(
            IngestRequest(request.entity, request.project, request.events),
            actor=self.actor(context),
            role=self.role(context),
        )
        return pb.IngestOpenLineageResponse(
            run_refs=ingested.run_refs,
            created_edge_count=ingested.created_edge_count,
            event_count=ingested.event_count,
            ignored_count=ingested.ignored_count,
        )
