"""The statements that a walk through the graph is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, bindparam, literal_column, select, true

from hydria_server.domain.lineage import Direction, EdgeKind, NodeId, RunId, VersionId
from hydria_server.storage.metadata.dialect import is_one_of_numbers
from hydria_server.storage.metadata.lineage_tables import HAS_RUN, HAS_SOURCE, LINEAGE_EDGE

_EDGE = LINEAGE_EDGE.c
EDGES: Final = select(
    _EDGE.id,
    _EDGE.kind,
    _EDGE.version_id,
    _EDGE.run_id,
    _EDGE.from_version_id,
    _EDGE.recorded_at_us,
    _EDGE.recorded_ref,
    _EDGE.requested_ref,
)


def _look_up(
    kind: EdgeKind, end: Column[int], condition: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    """Return the statement for edges of one kind with one of their ends among the nodes.

    In this order the index itself yields the rows, so that a limit ends the reading, too, however
    many edges a node has.
    """
    return (
        EDGES.where(
            is_one_of_numbers(end),
            condition,
            _EDGE.kind == literal_column(str(kind.value)),
            _EDGE.id > bindparam("after_id"),
            _EDGE.id <= bindparam("up_to_id"),
            _EDGE.recorded_at_us >= bindparam("from_us"),
            _EDGE.recorded_at_us < bindparam("before_us"),
        )
        .order_by(end, _EDGE.id)
        .limit(bindparam("limit"))
    )


USED_BY_RUNS: Final = _look_up(EdgeKind.USED, _EDGE.run_id, HAS_RUN)
LOGGED_BY_RUNS: Final = _look_up(EdgeKind.LOGGED, _EDGE.run_id, HAS_RUN)
RUNS_USING: Final = _look_up(EdgeKind.USED, _EDGE.version_id, true())
RUNS_LOGGING: Final = _look_up(EdgeKind.LOGGED, _EDGE.version_id, true())
SOURCES: Final = _look_up(EdgeKind.DERIVED, _EDGE.version_id, true())
DERIVATIVES: Final = _look_up(EdgeKind.DERIVED, _EDGE.from_version_id, HAS_SOURCE)


@dataclass(frozen=True, slots=True)
class EdgeLookUp:
    """What to ask for the edges of one kind that some nodes have at one end."""

    numbers: list[int]  # rows of the nodes
    kind: EdgeKind
    end: str  # the field of an edge that has the node
    statement: Select[*tuple[Any, ...]]


def edge_look_ups(nodes: Collection[NodeId], direction: Direction) -> Iterator[EdgeLookUp]:
    """Yield what to ask for the edges of nodes, UPSTREAM or DOWNSTREAM."""
    runs = [node.number for node in nodes if isinstance(node, RunId)]
    versions = [node.number for node in nodes if isinstance(node, VersionId)]
    if direction is Direction.UPSTREAM:
        yield EdgeLookUp(runs, EdgeKind.USED, "run_id", USED_BY_RUNS)
        yield EdgeLookUp(versions, EdgeKind.LOGGED, "version_id", RUNS_LOGGING)
        yield EdgeLookUp(versions, EdgeKind.DERIVED, "version_id", SOURCES)
    else:
        yield EdgeLookUp(runs, EdgeKind.LOGGED, "run_id", LOGGED_BY_RUNS)
        yield EdgeLookUp(versions, EdgeKind.USED, "version_id", RUNS_USING)
        yield EdgeLookUp(versions, EdgeKind.DERIVED, "from_version_id", DERIVATIVES)
