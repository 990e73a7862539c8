"""The graph without await."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hydria.lineage.comparison import RunComparison
from hydria.lineage.graph import AsyncLineage
from hydria.lineage.graphs import GroupedLineage, LineageGraph, WalkLimits
from hydria.lineage.impact import Impact
from hydria.lineage.provenance import Provenance
from hydria.lineage.records import Direction
from hydria.lineage.standards import IngestedEvents
from hydria.loop_thread import LoopThread


class SyncLineage:
    """`Client.lineage`: every method as the one of `AsyncLineage`."""

    def __init__(self, lineage: AsyncLineage, loop: LoopThread) -> None:
        self._lineage = lineage
        self._loop = loop

    def walk(
        self,
        *nodes: str,
        direction: Direction = Direction.BOTH,
        limits: WalkLimits | None = None,
    ) -> LineageGraph:
        return self._loop.run(self._lineage.walk(*nodes, direction=direction, limits=limits))

    def walk_groups(
        self,
        *nodes: str,
        direction: Direction = Direction.BOTH,
        limits: WalkLimits | None = None,
    ) -> GroupedLineage:
        return self._loop.run(self._lineage.walk_groups(*nodes, direction=direction, limits=limits))

    def provenance(self, node: str, *, max_nodes: int = 0) -> Provenance:
        return self._loop.run(self._lineage.provenance(node, max_nodes=max_nodes))

    def impact(self, node: str, *, max_nodes: int = 0) -> Impact:
        return self._loop.run(self._lineage.impact(node, max_nodes=max_nodes))

    def openlineage(self, graph: LineageGraph) -> Iterator[str]:
        pages = self._lineage.openlineage(graph).pages()
        for page in self._loop.iterate(pages):
            yield from page

    def ingest_openlineage(self, events: Iterable[str], *, project: str = "") -> IngestedEvents:
        return self._loop.run(self._lineage.ingest_openlineage(events, project=project))

    def compare(self, *runs: str, with_equal: bool = False) -> RunComparison:
        return self._loop.run(self._lineage.compare(*runs, with_equal=with_equal))
