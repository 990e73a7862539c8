"""The statements that a walk through the graph is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Column, ColumnElement, bindparam, literal_column, select, true

from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    NodeId,
    RunId,
    VersionId,
)
from hydria_server.domain.traversal import EdgeFilter, EdgeQuestion
from hydria_server.storage.metadata.dialect import batches, given_numbers, is_one_of_numbers
from hydria_server.storage.metadata.direct import Row, Script, Statement
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.lineage_rows import EdgeQuestions
from hydria_server.storage.metadata.lineage_tables import HAS_RUN, HAS_SOURCE, LINEAGE_EDGE

T = TypeVar("T")

_EDGE = LINEAGE_EDGE.c
_SAID: Final = (_EDGE.recorded_at_us, _EDGE.recorded_ref, _EDGE.requested_ref)
EDGES: Final = select(
    _EDGE.id, _EDGE.kind, _EDGE.version_id, _EDGE.run_id, _EDGE.from_version_id, *_SAID
)
NODES_AT_ONCE: Final = 1_000
ROWS_AT_ONCE = 4_096  # of a walk: turning so many into edges takes 10 ms


def edge_in(row: Row) -> EdgeRecord:
    """Return the edge in a row of `EDGES`."""
    edge_id, kind, version_id, run_id, source_id, *said = row
    version = VersionId(version_id)
    match EdgeKind(kind):
        case EdgeKind.USED:
            return EdgeRecord(edge_id, EdgeKind.USED, version, RunId(run_id), *said)
        case EdgeKind.LOGGED:
            return EdgeRecord(edge_id, EdgeKind.LOGGED, RunId(run_id), version, *said)
        case EdgeKind.DERIVED:
            return EdgeRecord(edge_id, EdgeKind.DERIVED, VersionId(source_id), version, *said)


def _look_up(
    kind: EdgeKind, near: Column[int], far: Column[int], condition: ColumnElement[bool]
) -> Statement:
    """Return the statement for edges of one kind, with one of their ends among the nodes.

    In this order the index itself yields the rows, so that a limit ends the reading, too, however
    many edges a node has.
    """
    return (
        select(_EDGE.id, near, far, *_SAID)
        .where(
            is_one_of_numbers(near),
            condition,
            _EDGE.kind == literal_column(str(kind.value)),
            _EDGE.id > bindparam("after_id"),
            _EDGE.id <= bindparam("up_to_id"),
            _EDGE.recorded_at_us >= bindparam("from_us"),
            _EDGE.recorded_at_us < bindparam("before_us"),
        )
        .order_by(near, _EDGE.id)
        .limit(bindparam("limit"))
    )


_VERSION, _RUN, _SOURCE = _EDGE.version_id, _EDGE.run_id, _EDGE.from_version_id
USED_BY_RUNS: Final = _look_up(EdgeKind.USED, _RUN, _VERSION, HAS_RUN)
LOGGED_BY_RUNS: Final = _look_up(EdgeKind.LOGGED, _RUN, _VERSION, HAS_RUN)
RUNS_USING: Final = _look_up(EdgeKind.USED, _VERSION, _RUN, true())
RUNS_LOGGING: Final = _look_up(EdgeKind.LOGGED, _VERSION, _RUN, true())
SOURCES: Final = _look_up(EdgeKind.DERIVED, _VERSION, _SOURCE, true())
DERIVATIVES: Final = _look_up(EdgeKind.DERIVED, _SOURCE, _VERSION, HAS_SOURCE)


@dataclass(frozen=True, slots=True)
class EdgeLookUp:
    """What to ask for the edges of one kind that some nodes have at one end."""

    nodes: Mapping[int, NodeId]  # by their rows, in order
    kind: EdgeKind
    far: type[NodeId]  # what is at the other end
    statement: Statement


def edge_look_ups(nodes: Collection[NodeId], direction: Direction) -> Iterator[EdgeLookUp]:
    """Yield what to ask for the edges of nodes, UPSTREAM or DOWNSTREAM."""
    runs = {node.number: node for node in sorted(nodes) if isinstance(node, RunId)}
    versions = {node.number: node for node in sorted(nodes) if isinstance(node, VersionId)}
    if direction is Direction.UPSTREAM:
        yield EdgeLookUp(runs, EdgeKind.USED, VersionId, USED_BY_RUNS)
        yield EdgeLookUp(versions, EdgeKind.LOGGED, RunId, RUNS_LOGGING)
        yield EdgeLookUp(versions, EdgeKind.DERIVED, VersionId, SOURCES)
    else:
        yield EdgeLookUp(runs, EdgeKind.LOGGED, VersionId, LOGGED_BY_RUNS)
        yield EdgeLookUp(versions, EdgeKind.USED, RunId, RUNS_USING)
        yield EdgeLookUp(versions, EdgeKind.DERIVED, VersionId, DERIVATIVES)


def answers(questions: EdgeQuestions[T], edges: EdgeFilter, *, up_to_id: int) -> Script[T]:
    """Return the script that has the questions answered."""
    bounds: dict[str, Value] = {
        "up_to_id": up_to_id,
        "from_us": edges.recorded_from_us,
        "before_us": edges.recorded_before_us,
    }
    try:
        question = next(questions)
        while True:
            found = yield from _answer(question, edges.kinds, bounds)
            question = questions.send(found)
    except StopIteration as end:
        result: T = end.value
        return result


def _answer(
    question: EdgeQuestion, kinds: Collection[EdgeKind], bounds: Mapping[str, Value]
) -> Script[list[EdgeRecord]]:
    found: list[EdgeRecord] = []
    for look_up in edge_look_ups(question.nodes, question.direction):
        if look_up.kind in kinds:
            for numbers in batches(look_up.nodes, NODES_AT_ONCE):
                rows = yield from _rows(
                    look_up.statement, numbers, bounds, question.limit - len(found)
                )
                found += _edges(look_up, rows, question.direction)
    return found


def _edges(look_up: EdgeLookUp, rows: Iterable[Row], direction: Direction) -> list[EdgeRecord]:
    """Return the edges in the rows of a look-up."""
    kind, nodes, far_id = look_up.kind, look_up.nodes, look_up.far
    if direction is Direction.UPSTREAM:
        return [
            EdgeRecord(edge_id, kind, far_id(far), nodes[near], at_us, recorded, requested)
            for edge_id, near, far, at_us, recorded, requested in rows
        ]
    return [
        EdgeRecord(edge_id, kind, nodes[near], far_id(far), at_us, recorded, requested)
        for edge_id, near, far, at_us, recorded, requested in rows
    ]


def _rows(
    statement: Statement, numbers: list[int], bounds: Mapping[str, Value], limit: int
) -> Script[list[Row]]:
    """Return what a look-up finds for some nodes, in parts that keep nobody waiting for long."""
    found: list[Row] = []
    pending = [(numbers, 0)]
    while pending and len(found) < limit:
        nodes, after_id = pending.pop()
        count = min(ROWS_AT_ONCE, limit - len(found))
        given = given_numbers(nodes)
        rows = yield statement, {**bounds, **given, "after_id": after_id, "limit": count}
        found += rows
        if len(rows) == count:
            last_id, last, *_ = rows[-1]
            rest = [number for number in nodes if number > last]
            pending += [(rest, 0), ([last], last_id)] if rest else [([last], last_id)]
    return found
