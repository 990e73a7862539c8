"""Steps that lead to a version, in an order in which they can be done again. No I/O."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hydria_server.domain.lineage import EdgeKind, Node, NodeId, RunId, VersionId
from hydria_server.domain.traversal import Walk
from hydria_server.services.walking import in_order

MAX_NODES_PER_PART: Final = 200


@dataclass(slots=True)
class Step:
    """A run, or the derivation of a version without one: `key` is the one or the other."""

    key: NodeId
    inputs: list[NodeId] = field(default_factory=list)
    outputs: list[NodeId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StepPart:
    """As much of a step as one message holds."""

    key: NodeId
    inputs: tuple[NodeId, ...]
    outputs: tuple[NodeId, ...]
    number: int


def sources_of(walk: Walk) -> list[NodeId]:
    """Return the versions of a walk upstream that nothing made, as far as the walk could see."""
    made = {edge.target for edge in walk.edges.values()} | walk.frontier
    return [key for key in walk.reached if isinstance(key, VersionId) and key not in made]


def parts_of(walk: Walk, nodes: Mapping[NodeId, Node]) -> list[StepPart]:
    """Return all steps of a walk upstream, each after those whose outputs it needs."""
    steps = _steps(walk)
    return [part for key in _ordered(steps, nodes) for part in _parts(steps[key])]


def _steps(walk: Walk) -> dict[NodeId, Step]:
    runs = [key for key in walk.reached if isinstance(key, RunId)]
    steps: dict[NodeId, Step] = {key: Step(key) for key in runs}
    for _, edge in sorted(walk.edges.items()):
        if edge.kind is EdgeKind.USED:
            steps[edge.target].inputs.append(edge.source)
        elif edge.kind is EdgeKind.LOGGED:
            steps[edge.source].outputs.append(edge.target)
        else:
            derived = steps.setdefault(edge.target, Step(edge.target, outputs=[edge.target]))
            derived.inputs.append(edge.source)
    return steps


def _ordered(steps: Mapping[NodeId, Step], nodes: Mapping[NodeId, Node]) -> Iterator[NodeId]:
    """Yield steps after those that they need, the earlier ones first.

    Where edges go in a circle, nothing in it is ever free: then the earliest step goes next.
    """
    waits, needed_by = _needs(steps)
    by_time = {key: (nodes[key].created_at_us, place) for place, key in enumerate(in_order(steps))}
    waiting = sorted(steps, key=by_time.__getitem__, reverse=True)
    ready = [(by_time[key], key) for key in steps if not waits[key]]
    heapq.heapify(ready)
    done: set[NodeId] = set()
    while len(done) < len(steps):
        if ready:
            _, key = heapq.heappop(ready)
        else:
            key = waiting.pop()
        if key in done:
            continue
        done.add(key)
        yield key
        for other in needed_by[key]:
            waits[other].discard(key)
            if not waits[other] and other not in done:
                heapq.heappush(ready, (by_time[other], other))


def _needs(
    steps: Mapping[NodeId, Step],
) -> tuple[dict[NodeId, set[NodeId]], dict[NodeId, list[NodeId]]]:
    """Return what steps each step waits for, and the other way round."""
    makers: dict[NodeId, list[NodeId]] = defaultdict(list)
    for step in steps.values():
        for output in step.outputs:
            makers[output].append(step.key)
    waits = {
        step.key: {maker for each in step.inputs for maker in makers[each]} - {step.key}
        for step in steps.values()
    }
    needed_by: dict[NodeId, list[NodeId]] = defaultdict(list)
    for key, others in waits.items():
        for other in in_order(others):
            needed_by[other].append(key)
    return waits, needed_by


def _parts(step: Step) -> Iterator[StepPart]:
    ends = [(key, True) for key in step.inputs] + [(key, False) for key in step.outputs]
    for number in range(max(1, -(-len(ends) // MAX_NODES_PER_PART))):
        some = ends[number * MAX_NODES_PER_PART :][:MAX_NODES_PER_PART]
        inputs = tuple(key for key, is_input in some if is_input)
        outputs = tuple(key for key, is_input in some if not is_input)
        yield StepPart(step.key, inputs, outputs, number)
