"""The statements of lineage: each finds its rows by an index, and PostgreSQL understands it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from hydria_server.domain.filters import Comparison, Operator, OrderTerm, Query
from hydria_server.domain.lineage import Direction, EdgeKind, NodeId, RunId, VersionId
from hydria_server.domain.metrics import MetricRecord, points_of
from hydria_server.domain.runs import RunChange, RunName, RunState
from hydria_server.domain.traversal import EdgeFilter, EdgeQuestion
from hydria_server.storage.metadata import (
    dialect,
    direct,
    edge_look_ups,
    edges,
    graph_nodes,
    metrics,
    run_records,
    runs,
)
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.edges import asked_once, derived, used
from tests.conformance.metadata.given import a_line, a_version
from tests.conformance.metadata.lineage import a_running
from tests.storage.test_metadata_schema import scans_in


async def use_lineage(rows: Rows) -> None:
    """Execute each statement of lineage once, as small as it comes."""
    line = await a_line(rows)
    first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
    run = await a_running(rows, line, request_id="r")
    await rows.runs.by_name(RunName("acme", "vision", "one"))
    await rows.runs.by_request(line.entity.id, "r")
    await rows.runs.ids_by_name(line.project_id, ["one"])
    await rows.runs.update(run.id, RunChange(tags=("b",), config_json="{}"), now_us=1)
    await rows.runs.end(run.id, RunState.FAILED, exit_code=1, finished_at_us=1, now_us=1)
    await rows.runs.begin_attempt(run.id, now_us=1)
    await rows.runs.silent(before_us=1, limit=1)
    for filter_ in (None, Comparison("tag", Operator.HAS, "a")):
        newest = (OrderTerm("created_at", descending=True),)
        await rows.runs.page(line.project_id, Query(filter_, newest, (9, 9), 1))
    await rows.metrics.put(run.id, [MetricRecord(0, "a", 0, 0.0, 0, 0)])
    metric = (await rows.metrics.of_run(run.id, ["a"]))["a"]
    await rows.metrics.put(run.id, [metric])
    await rows.metrics.page(run.id, prefix="", after=None, limit=1)
    await rows.metrics.page(run.id, prefix="a", after=None, limit=1)
    block = points_of([0], [1.0], [1])
    await rows.metrics.replace_blocks([(metric.id, 5)], [(metric.id, block)])
    await rows.metrics.ranges(metric.id, first=0, last=1)
    await rows.metrics.points(metric.id, [0])
    await rows.metrics.short_last_blocks([metric.id], below_count=9)
    await rows.edges.insert([used(run, first.id), derived(second.id, first.id)])
    for node in (RunId(run.id), VersionId(first.id)):
        await rows.edges.of_node(node, Direction.BOTH, tuple(EdgeKind), after_id=0, limit=1)
    both: list[NodeId] = [RunId(run.id), VersionId(first.id)]
    for way in (Direction.UPSTREAM, Direction.DOWNSTREAM):
        asking = asked_once(EdgeQuestion(both, way, 9))
        await rows.edges.answer(asking, EdgeFilter(), up_to_id=9)
    await rows.aliases.named([first.id])
    await rows.aliases.of_versions([first.id], limit=9)
    await rows.links.linked([first.id])
    await rows.links.of_versions([first.id], limit=9)
    await rows.deployments.served([first.id], now_us=1)
    await rows.deployments.serving_versions([first.id], now_us=1, limit=9)
    await rows.edges.derives(second.id, from_version_id=first.id)
    await rows.edges.nodes(both)
    await rows.edges.version_nodes([first.id])
    await rows.runs.by_ids([run.id])
    await rows.edges.live_versions(line.project_id, [("cats", 0)])
    await rows.edges.remembered_version("acme", "vision", "cats", 0)


async def test_every_statement_of_lineage_finds_its_rows_by_an_index(tmp_path: Path) -> None:
    assert await scans_in(tmp_path / "meta.db", use_lineage, at_least=40) == {}


async def test_a_walk_reads_edges_in_the_order_of_an_index(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    await (await SqlMetadataStore.open(path)).close()
    statements = [
        look_up.statement
        for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM)
        for look_up in edge_look_ups.edge_look_ups([], direction)
    ]
    with sqlite3.connect(path) as connection:
        for statement in statements:
            first, *rest = plan_of(connection, statement)
            assert "USING INDEX" in first
            assert not [step for step in rest if "B-TREE" in step], "it would read all of a node"
    connection.close()
    assert len(statements) == 6


async def test_nodes_of_a_walk_are_found_by_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    await (await SqlMetadataStore.open(path)).close()
    with sqlite3.connect(path) as connection:
        for statement in (graph_nodes.VERSIONS_BY_ID, graph_nodes.RUNS_BY_ID, runs._BY_IDS):
            scans = [step for step in plan_of(connection, statement) if step.startswith("SCAN")]
            assert scans == ["SCAN given VIRTUAL TABLE INDEX 1:"]
    connection.close()


def plan_of(connection: sqlite3.Connection, statement: direct.Statement) -> list[str]:
    """Return the steps of a statement that goes to the driver as it is."""
    sql, places = direct._text(statement, sqlite.dialect())
    values = ["[1, 2]" if name == dialect.NUMBERS else 1 for name, _ in places]
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


async def test_edges_read_in_parts_are_those_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(rows: Rows) -> None:
        line = await a_line(rows)
        versions = [await a_version(rows, line.collection_id) for _ in range(4)]
        runs = [await a_running(rows, line, f"run{number}") for number in range(5)]
        await rows.edges.insert(
            [used(run, version.id) for run in runs for version in versions[:: 1 + run.id % 2]]
        )
        nodes = [VersionId(version.id) for version in versions]

        async def ids(limit: int) -> list[int]:
            asking = asked_once(EdgeQuestion(nodes, Direction.DOWNSTREAM, limit))
            found = await rows.edges.answer(asking, EdgeFilter(), up_to_id=99)
            return [edge.id for edge in found]

        whole = await ids(99)
        assert len(whole) > 12
        for rows_at_once in (1, 2, 3, len(whole)):
            monkeypatch.setattr(edge_look_ups, "ROWS_AT_ONCE", rows_at_once)
            monkeypatch.setattr(direct, "ROWS_PER_HOP", rows_at_once)
            for limit in (1, 5, len(whole), 99):
                assert await ids(limit) == whole[:limit]

    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    await store.write(read)
    await store.close()


@pytest.mark.parametrize(
    "module",
    [edge_look_ups, edges, graph_nodes, metrics, run_records, runs],
    ids=lambda module: module.__name__.rsplit(".", 1)[1],
)
def test_every_statement_of_lineage_can_be_said_to_postgresql(module: ModuleType) -> None:
    statements = [value for value in vars(module).values() if isinstance(value, Executable)]
    if module is runs:
        statements.append(runs._take_number("postgresql"))
    postgresql = make_url("postgresql+asyncpg://").get_dialect()()
    assert statements
    for statement in statements:
        assert isinstance(statement, ClauseElement)
        text = str(statement.compile(dialect=postgresql))
        assert "json_group_array" not in text
        assert "json_each" not in text
