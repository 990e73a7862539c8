"""Lineage out to other systems, and in from them, as events of OpenLineage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hydria.catalog import Catalog
from hydria.connection import Connection
from hydria.errors import HydriaError, InvalidArgumentError, NotFoundError
from hydria.lineage.calls import LineageCalls
from hydria.lineage.graphs import LineageGraph
from hydria.lineage.openlineage import DATASET_TYPE, DescribedDataset, DescribedRun, events_of
from hydria.lineage.records import Direction, EdgeKind, LineageNode, NodeKind
from hydria.pages import Pages
from hydria.retry import Patience
from hydria.v1 import lineage_pb2 as pb

RUNS_AT_ONCE: Final = 8
MAX_EVENTS: Final = 100
MAX_BATCH_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedEvents:
    """What events came to."""

    run_refs: tuple[str, ...]
    """The runs that they were about, each once."""
    created_edge_count: int
    event_count: int
    """How many were about runs."""
    ignored_count: int
    """How many were about a job or a dataset without a run."""


class OpenLineageCalls:
    """Exports the runs of graphs, and sends events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lineage = LineageCalls(connection)
        self._catalog = Catalog(connection)

    def export(self, graph: LineageGraph) -> Pages[str]:
        """Return the events of all runs in a graph, in the order in which they began."""
        nodes = [each.node for each in graph.nodes if each.node.kind is NodeKind.RUN]
        refs = [node.ref for node in sorted(nodes, key=lambda node: (node.created_at, node.id))]

        async def fetch(token: str) -> tuple[list[str], str]:
            start = int(token or 0)
            end = start + RUNS_AT_ONCE
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._described(ref)) for ref in refs[start:end]]
            events = [event for task in tasks for event in events_of(task.result())]
            return events, str(end) if end < len(refs) else ""

        return Pages(fetch)

    async def _described(self, run_ref: str) -> DescribedRun:
        run = await self._lineage.run(run_ref)
        edges = self._lineage.edges(run_ref, direction=Direction.BOTH, kinds=())
        ends: dict[EdgeKind, list[DescribedDataset]] = {}
        async for neighbour in edges:
            described = await self._dataset(neighbour.node)
            ends.setdefault(neighbour.edge.kind, []).append(described)
        return DescribedRun(
            run=run, inputs=ends.get(EdgeKind.USED, ()), outputs=ends.get(EdgeKind.LOGGED, ())
        )

    async def _dataset(self, node: LineageNode) -> DescribedDataset:
        if node.type != DATASET_TYPE or node.deleted_at is not None:
            return DescribedDataset(node=node, metadata_json="")
        try:
            version = await self._catalog.version(node.ref, type="")
        except NotFoundError:  # it was deleted meanwhile
            return DescribedDataset(node=node, metadata_json="")
        return DescribedDataset(node=node, metadata_json=version.metadata_json)

    async def ingest(
        self,
        entity: str,
        project: str,
        events: Iterable[str] | AsyncIterable[str],
        patience: Patience,
    ) -> IngestedEvents:
        """Send events in batches; those of earlier batches stay where a later one is refused."""
        runs: dict[str, None] = {}
        totals = [0, 0, 0]
        start = 0
        async for batch in _batches(events):
            for answer in await self._send(entity, project, batch, start, patience):
                runs |= dict.fromkeys(answer.run_refs)
                totals[0] += answer.created_edge_count
                totals[1] += answer.event_count
                totals[2] += answer.ignored_count
            start += len(batch)
        return IngestedEvents(
            run_refs=tuple(runs),
            created_edge_count=totals[0],
            event_count=totals[1],
            ignored_count=totals[2],
        )

    async def _send(
        self, entity: str, project: str, batch: Sequence[str], start: int, patience: Patience
    ) -> list[pb.IngestOpenLineageResponse]:
        """Send a batch, in halves where it has too many inputs and outputs for one call."""
        request = pb.IngestOpenLineageRequest(entity=entity, project=project, events=batch)
        call = self._connection.lineage.IngestOpenLineage
        try:
            return [await patience.run(lambda: self._connection.call(call, request))]
        except InvalidArgumentError as error:
            if error.reason != "BATCH_TOO_LARGE" or len(batch) == 1:
                raise _moved(error, start) from None
        middle = len(batch) // 2
        first = await self._send(entity, project, batch[:middle], start, patience)
        return first + await self._send(entity, project, batch[middle:], start + middle, patience)


async def _batches(events: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[list[str]]:
    """Yield events in batches of a bounded size."""
    batch: list[str] = []
    size_bytes = 0
    async for event in _each(events):
        event_bytes = len(event.encode("utf-8", "replace"))
        if batch and (len(batch) == MAX_EVENTS or size_bytes + event_bytes > MAX_BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(event)
        size_bytes += event_bytes
    if batch:
        yield batch


async def _each(events: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[str]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event


def _moved(error: HydriaError, start: int) -> HydriaError:
    """Return an error about an event of a batch as one about the same event of all."""
    index = error.details.get("index", "")
    if index.isdecimal():
        place = str(int(index) + start)
        error.message = error.message.replace(f"events[{index}]", f"events[{place}]", 1)
        error.details["index"] = place
        error.args = (error.message,)
    return error
