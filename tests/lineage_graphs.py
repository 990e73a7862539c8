"""Graphs of lineage that no server has to make."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from hydria.lineage.graphs import (
    GraphNode,
    GroupedLineage,
    LineageGraph,
    LineageGroup,
    LineageGroupEdge,
)
from hydria.lineage.records import Direction, EdgeKind, LineageEdge, LineageNode, NodeKind, RunState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def node(
    id: str, label: str, *, state: RunState | None = None, is_deleted: bool = False
) -> LineageNode:
    """Return a node: a run if it has a state, else a version."""
    kind, _, name = label.partition(":")
    return LineageNode(
        id=id,
        kind=NodeKind.RUN if state else NodeKind.VERSION,
        ref=f"local/vision/{name}",
        label=label,
        entity="local",
        project="vision",
        name=name,
        type=kind,
        digest="",
        created_at=NOW,
        deleted_at=NOW if is_deleted else None,
        run_state=state,
    )


def graph(
    nodes: Iterable[LineageNode], edges: Iterable[tuple[str, str]], *, roots: Collection[str] = ()
) -> LineageGraph:
    """Return a graph of nodes, and of edges between their ids."""
    return LineageGraph(
        nodes=tuple(
            GraphNode(
                node=each,
                depth=0 if each.id in roots else 1,
                direction=None if each.id in roots else Direction.UPSTREAM,
            )
            for each in nodes
        ),
        edges=tuple(
            LineageEdge(
                kind=EdgeKind.USED,
                source_id=source,
                target_id=target,
                recorded_at=NOW,
                recorded_ref="",
                requested_ref="",
            )
            for source, target in edges
        ),
        frontier=(),
        truncated_by_depth=False,
        truncated_by_budget=False,
    )


def random_graph(seed: int, *, run_count: int, reach: int = 1000) -> LineageGraph:
    """Return runs that use some of the last `reach` versions, and log one or two."""
    choose = random.Random(seed)
    versions, nodes, edges = ["v0"], [node("v0", "dataset:source:v0")], []
    for number in range(run_count):
        run, job = f"r{number}", choose.choice(["load", "train", "evaluate"])
        state = choose.choice([RunState.FINISHED] * 5 + [RunState.FAILED])
        nodes.append(node(run, f"{job}:amber-heron-{number}", state=state))
        used = choose.choices(versions[-reach:], k=choose.randint(1, 3))
        edges += [(version, run) for version in set(used)]
        for _ in range(choose.randint(1, 2)):
            version, name = f"v{len(versions)}", choose.choice(["a", "features", "long-" * 6])
            nodes.append(node(version, f"dataset:{name}:{version}"))
            versions.append(version)
            edges.append((run, version))
    return graph(nodes, edges, roots=["v1"])


def grouped(
    groups: Iterable[tuple[str, int]], edges: Iterable[tuple[str, str, int]]
) -> GroupedLineage:
    """Return groups with their counts, and edges with theirs; `run:...` is one of runs."""
    return GroupedLineage(
        groups=tuple(
            LineageGroup(
                id=id,
                kind=NodeKind.RUN if id.startswith("run:") else NodeKind.VERSION,
                type=id.removeprefix("run:"),
                node_count=count,
                labels=(f"{id}:first",),
            )
            for id, count in groups
        ),
        edges=tuple(
            LineageGroupEdge(
                kind=EdgeKind.USED, source_id=source, target_id=target, edge_count=count
            )
            for source, target, count in edges
        ),
        frontier=(),
        truncated_by_depth=False,
        truncated_by_budget=False,
    )
