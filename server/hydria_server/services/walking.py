"""A walk through the graph, breadth first and one level at a time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from hydria_server.domain.lineage import Direction, EdgeRecord, NodeId
from hydria_server.domain.traversal import EDGES_PER_NODE, EdgeQuestion, Reached, Walk, WalkPlan
from hydria_server.services.hashing import Hashing
from hydria_server.storage.metadata.interface import EdgeQuestions, Rows

T = TypeVar("T")

_EDGES_ON_LOOP: Final = 500
_BY_SIDE_AND_ROW = operator.attrgetter("side", "number")


@dataclass(slots=True)
class _Front:
    """How far a walk has come in one direction."""

    direction: Direction
    seen: set[NodeId]
    level: list[NodeId]


def in_order(nodes: Iterable[NodeId]) -> list[NodeId]:
    """Return nodes in the order that they have within one level: versions first, then by row."""
    return sorted(nodes, key=_BY_SIDE_AND_ROW)


async def walk(rows: Rows, plan: WalkPlan) -> Walk:
    """Return what is reached from the roots. The same plan reaches the same at any time.

    Both directions are walked in turns, each with a memory of its own: what a version comes from
    may have been made of it, too, since used and logged edges may go in a circle.
    """
    return await rows.edges.answer(_Walker(plan).walk(), plan.edges, up_to_id=plan.revision)


async def worked_out(threads: Hashing, found: Walk, work: Callable[[], T]) -> T:
    """Return what `work` makes of a walk.

    Of a large one that takes a tenth of a second, which nobody else should wait for; of a small one
    a millisecond, which a hop to a thread would double.
    """
    return await threads.run(work) if len(found.edges) > _EDGES_ON_LOOP else work()


class _Walker:
    def __init__(self, plan: WalkPlan) -> None:
        self._plan = plan
        self._edges_left = EDGES_PER_NODE * plan.max_nodes
        self._new: dict[NodeId, Direction] = {}
        roots = in_order(set(plan.roots))
        self._walk = Walk(dict.fromkeys(roots, Reached(0)), {}, set())

    def walk(self) -> EdgeQuestions[Walk]:
        """Walk, by asking for the edges of one level after another."""
        fronts = [
            _Front(direction, set(self._walk.reached), list(self._walk.reached))
            for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM)
            if self._plan.direction in (direction, Direction.BOTH)
        ]
        for depth in range(self._plan.max_depth + 1):
            for front in fronts:
                if front.level:
                    question = EdgeQuestion(front.level, front.direction, self._edges_left + 1)
                    found = yield question
                    self._advance(front, found, is_last=depth == self._plan.max_depth)
            self._reach(depth + 1)
            if not any(front.level for front in fronts):
                break
        for front in fronts:  # what the other direction had reached before, and went on from
            self._walk.frontier.update(front.level)
            self._walk.truncated_by_depth |= bool(front.level)
        return self._walk

    def _reach(self, depth: int) -> None:
        """Add the nodes that are new to those that were reached."""
        ways = {way: Reached(depth, way) for way in set(self._new.values())}
        for node in in_order(self._new):
            self._walk.reached[node] = ways[self._new[node]]
        self._new.clear()

    def _advance(self, front: _Front, found: Sequence[EdgeRecord], *, is_last: bool) -> None:
        if len(found) > self._edges_left:
            found = found[: self._edges_left]
            self._walk.truncated_by_budget = True
            self._walk.frontier.update(front.level)
        self._edges_left -= len(found)
        front.level = in_order(self._follow(front, found, is_last=is_last))

    def _follow(self, front: _Front, found: Iterable[EdgeRecord], *, is_last: bool) -> list[NodeId]:
        following = []
        reached, new, edges = self._walk.reached, self._new, self._walk.edges
        is_upstream = front.direction is Direction.UPSTREAM
        for edge in found:
            far = edge.source if is_upstream else edge.target
            is_known = far in reached or far in new
            if not is_known and not self._admits(far, front, is_last=is_last):
                self._walk.frontier.add(edge.target if is_upstream else edge.source)
                continue
            edges[edge.id] = edge
            if far not in front.seen:
                front.seen.add(far)
                following.append(far)
        return following

    def _admits(self, node: NodeId, front: _Front, *, is_last: bool) -> bool:
        """Tell whether a node that was not reached yet is reached now."""
        if is_last:
            self._walk.truncated_by_depth = True
            return False
        if len(self._walk.reached) + len(self._new) >= self._plan.max_nodes:
            self._walk.truncated_by_budget = True
            return False
        self._new[node] = front.direction
        return True
