"""`AsyncClient.lineage`: questions about the graph of runs and versions."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from grpc import aio

from hydria.connection import Connection
from hydria.lineage.comparison import RunComparison, comparison_of
from hydria.lineage.graph_messages import graph_of, groups_of, limit_number, walk_request
from hydria.lineage.graphs import GroupedLineage, LineageGraph, WalkLimits
from hydria.lineage.impact import Impact, impact_of
from hydria.lineage.provenance import Provenance, provenance_of
from hydria.lineage.records import Direction
from hydria.lineage.standards import IngestedEvents, OpenLineageCalls
from hydria.options import TransferOptions
from hydria.pages import Pages
from hydria.refs import Defaults
from hydria.retry import Patience
from hydria.v1 import lineage_pb2 as pb

PAGE_SIZE = 1000

_Request = TypeVar(
    "_Request", pb.TraverseLineageRequest, pb.GetProvenanceRequest, pb.GetImpactRequest
)
_Page = TypeVar("_Page", pb.TraverseLineageResponse, pb.GetProvenanceResponse, pb.GetImpactResponse)


class AsyncLineage:
    """Where versions come from, and what was made of them.

    A node is a ref of a version, a run ref with all of its four parts, or the id of a node.
    """

    def __init__(
        self, defaults: Defaults, connection: Connection, options: TransferOptions
    ) -> None:
        self._defaults = defaults
        self._connection = connection
        self._retry_seconds = options.retry_seconds
        self._openlineage = OpenLineageCalls(connection)

    async def walk(
        self,
        *nodes: str,
        direction: Direction = Direction.BOTH,
        limits: WalkLimits | None = None,
    ) -> LineageGraph:
        """Return what lies upstream or downstream of some nodes, as of now.

        Args:
            nodes: where to begin.
            direction: UPSTREAM is what they come from, DOWNSTREAM what was made of them.
            limits: how far to go, through what, and what to return.

        Raises:
            NotFoundError: a node is none.
            InvalidArgumentError: a limit is out of range.
        """
        request = self._request(nodes, direction, limits)
        request.page_size = PAGE_SIZE
        return graph_of(await self._pages(self._connection.lineage.TraverseLineage, request))

    async def walk_groups(
        self,
        *nodes: str,
        direction: Direction = Direction.BOTH,
        limits: WalkLimits | None = None,
    ) -> GroupedLineage:
        """Return the same by types of versions and job types of runs, with counts.

        Raises as `walk`.
        """
        request = self._request(nodes, direction, limits)
        request.shape = pb.LINEAGE_SHAPE_GROUPED
        call = self._connection.lineage.TraverseLineage
        return groups_of(await self._connection.call(call, request))

    async def provenance(self, node: str, *, max_nodes: int = 0) -> Provenance:
        """Return what a version or a run was made from, and the steps that made it.

        Args:
            node: a version, a run, or the id of a node.
            max_nodes: how many nodes may be visited; the server takes 1,000 for 0, at most 10,000.

        Raises:
            NotFoundError: there is no such node.
            InvalidArgumentError: `max_nodes` is out of range.
        """
        request = pb.GetProvenanceRequest(
            node=self._defaults.node(node),
            max_nodes=limit_number("max_nodes", max_nodes),
            page_size=PAGE_SIZE,
        )
        return provenance_of(await self._pages(self._connection.lineage.GetProvenance, request))

    async def impact(self, node: str, *, max_nodes: int = 0) -> Impact:
        """Return what was made of something and is asked for by others, itself among it.

        That are versions with aliases other than `latest`, with links, or with live deployments.

        Args:
            node: a version, a run, or the id of a node.
            max_nodes: how many nodes may be visited; the server takes 10,000 for 0, and at most.

        Raises:
            NotFoundError: there is no such node.
            InvalidArgumentError: `max_nodes` is out of range.
        """
        request = pb.GetImpactRequest(
            node=self._defaults.node(node),
            max_nodes=limit_number("max_nodes", max_nodes),
            page_size=PAGE_SIZE,
        )
        return impact_of(await self._pages(self._connection.lineage.GetImpact, request))

    async def compare(self, *runs: str, with_equal: bool = False) -> RunComparison:
        """Return what differs between runs: config, summary, last metrics, inputs and outputs.

        Args:
            runs: 2 to 20 runs, as `[[ENTITY/]PROJECT/runs/]ID`.
            with_equal: return also what is the same in all of them.

        Raises:
            NotFoundError: one is not there.
            InvalidArgumentError: there are too few or too many.
        """
        request = pb.CompareRunsRequest(
            run_refs=[self._defaults.run(run) for run in runs], with_equal=with_equal
        )
        call = self._connection.lineage.CompareRuns
        return comparison_of(await self._connection.call(call, request))

    def openlineage(self, graph: LineageGraph) -> Pages[str]:
        """Return the runs of a graph as events of OpenLineage 2-0-2, each the text of one.

        A run has a START, and an event for its end or, while it goes on, for how it stands, with
        all that it used and logged, whether that is in the graph or not. Configs and summaries of
        more than 256 KiB are left out.

        Args:
            graph: what `walk` returned.
        """
        return self._openlineage.export(graph)

    async def ingest_openlineage(
        self, events: Iterable[str] | AsyncIterable[str], *, project: str = ""
    ) -> IngestedEvents:
        """Take in events of OpenLineage, so that jobs of other systems are runs.

        They are sent in batches, each of which is kept whole or not at all. Sending events again
        changes nothing, so after an error all of them may be sent again.

        Args:
            events: JSON texts, one event each; in the order of time, where that is known.
            project: `[ENTITY/]PROJECT`, where the runs belong; made if need be.

        Raises:
            FieldViolationError: an event is malformed; `details` has its place among all events as
                `index`, from 0, and where in it as `field`, such as `$.run.runId`.
            InvalidArgumentError: an event is larger than 1 MiB.
        """
        entity, name = self._defaults.project_path(project)
        patience = Patience(self._retry_seconds)
        return await self._openlineage.ingest(entity, name, events, patience)

    def _request(
        self, nodes: Sequence[str], direction: Direction, limits: WalkLimits | None
    ) -> pb.TraverseLineageRequest:
        limits = limits or WalkLimits()
        projects = ["/".join(self._defaults.project_path(name)) for name in limits.projects]
        roots = [self._defaults.node(node) for node in nodes]
        return walk_request(roots, direction, replace(limits, projects=projects))

    async def _pages(
        self, call: aio.UnaryUnaryMultiCallable[_Request, _Page], request: _Request
    ) -> list[_Page]:
        """Return all pages of an answer; each token goes into the request of the next one."""
        pages: list[_Page] = []
        while not pages or request.page_token:
            pages.append(await self._connection.call(call, request))
            request.page_token = pages[-1].next_page_token
        return pages
