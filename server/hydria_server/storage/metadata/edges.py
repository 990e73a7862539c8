"""Rows of the graph, in one transaction: edges, and the versions at their ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    NewEdge,
    Node,
    NodeId,
    RunId,
    VersionNode,
)
from hydria_server.domain.traversal import EdgeFilter
from hydria_server.storage.metadata.dialect import batches, insert, insert_rows, insert_sql
from hydria_server.storage.metadata.direct import converse, fetch
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.edge_look_ups import EDGES, answers, edge_in
from hydria_server.storage.metadata.graph_nodes import (
    PLACED,
    VERSION_NODES,
    nodes_found,
    version_node_in,
    versions_found,
)
from hydria_server.storage.metadata.lineage_rows import EdgeQuestions
from hydria_server.storage.metadata.lineage_tables import (
    HAS_RUN,
    HAS_SOURCE,
    IS_BACKWARD,
    LINEAGE_EDGE,
)
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    ENTITY,
    IS_LIVE_COLLECTION,
    PROJECT,
    VERSION,
)

T = TypeVar("T")
_EDGE = LINEAGE_EDGE.c
_REMEMBERED = (
    select(func.coalesce(VERSION.c.source_version_id, VERSION.c.id))
    .select_from(PLACED)
    .where(
        ENTITY.c.name == bindparam("entity"),
        PROJECT.c.name == bindparam("project"),
        COLLECTION.c.name == bindparam("collection"),
        VERSION.c.number == bindparam("number"),
    )
    .order_by(COLLECTION.c.deleted_at_us.is_not(None), COLLECTION.c.id.desc())
    .limit(1)
)
_LAST_ID = select(func.max(_EDGE.id))
_AFTER = EDGES.where(_EDGE.id > bindparam("after_id")).order_by(_EDGE.id)
_BACKWARD = select(exists(select(_EDGE.id).where(IS_BACKWARD)))
_GIVEN: Final = (
    "kind", "version_id", "run_id", "from_version_id", "recorded_at_us", "recorded_ref",
    "requested_ref",
)  # fmt: skip


@lru_cache(maxsize=8)
def _insert_sql(dialect: Dialect) -> str:
    statement = insert(dialect.name, LINEAGE_EDGE).on_conflict_do_nothing()
    return insert_sql(statement, _GIVEN, dialect)


def _derives() -> Select[bool]:
    """Walk up from a version; UNION keeps every ancestor once, so the walk ends."""
    seed = select(bindparam("version_id", type_=VERSION.c.id.type).label("id"))
    ancestor = seed.cte("ancestor", recursive=True)
    older = select(_EDGE.from_version_id).where(
        _EDGE.version_id == ancestor.c.id, _EDGE.kind == _literal(EdgeKind.DERIVED)
    )
    ancestor = ancestor.union(older)
    found = select(ancestor.c.id).where(ancestor.c.id == bindparam("from_version_id"))
    return select(exists(found))


def _literal(kind: EdgeKind) -> ColumnElement[int]:
    return literal_column(str(kind.value))


_DERIVES = _derives()


class SqlEdges:
    """Rows of edges, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, edges: Sequence[NewEdge]) -> list[EdgeRecord]:
        if not edges:
            return []
        before = await self.last_id()
        await insert_rows(
            self._connection,
            _insert_sql(self._connection.dialect),
            [tuple(getattr(edge, column) for column in _GIVEN) for edge in edges],
        )
        return await self._records(_AFTER, {"after_id": before})

    async def _records(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Value]
    ) -> list[EdgeRecord]:
        rows = await self._connection.execute(statement, values)
        return [edge_in(row) for row in rows]

    async def of_node(
        self,
        node: NodeId,
        direction: Direction,
        kinds: Collection[EdgeKind],
        *,
        after_id: int,
        limit: int,
    ) -> list[EdgeRecord]:
        # One statement for each place that a node can have in an edge: each follows an index in
        # the order of ids, and so reads no more than a page, however many edges there are.
        found: list[EdgeRecord] = []
        for kind, condition in _places(node, direction):
            if kind in kinds:
                edges = _AFTER.where(condition, _EDGE.kind == _literal(kind))
                found += await self._records(
                    edges.limit(bindparam("limit")),
                    {"after_id": after_id, "limit": limit, "node": node.number},
                )
        return sorted(found, key=lambda edge: edge.id)[:limit]

    async def answer(self, questions: EdgeQuestions[T], edges: EdgeFilter, *, up_to_id: int) -> T:
        return await converse(self._connection, answers(questions, edges, up_to_id=up_to_id))

    async def last_id(self) -> int:
        ((last,),) = await fetch(self._connection, _LAST_ID, {})
        return last or 0

    async def has_backward(self) -> bool:
        return bool((await self._connection.execute(_BACKWARD)).scalar_one())

    async def derives(self, version_id: int, *, from_version_id: int) -> bool:
        values = {"version_id": version_id, "from_version_id": from_version_id}
        return bool((await self._connection.execute(_DERIVES, values)).scalar_one())

    async def nodes(self, ids: Collection[NodeId]) -> dict[NodeId, Node]:
        return await converse(self._connection, nodes_found(ids))

    async def version_nodes(self, version_ids: Collection[int]) -> dict[int, VersionNode]:
        return await converse(self._connection, versions_found(version_ids))

    async def live_versions(
        self, project_id: int, numbers: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], VersionNode]:
        collections = await self._live_collections(project_id, {name for name, _ in numbers})
        wanted = [(collections[name], number) for name, number in numbers if name in collections]
        found: dict[tuple[str, int], VersionNode] = {}
        for some in batches(wanted):
            pair = tuple_(VERSION.c.collection_id, VERSION.c.number)
            rows = await self._connection.execute(VERSION_NODES.where(pair.in_(some)))
            for node in map(version_node_in, rows):
                found[node.collection, node.number] = node
        return found

    async def _live_collections(self, project_id: int, names: Collection[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in batches(names):
            rows = await self._connection.execute(
                select(COLLECTION.c.name, COLLECTION.c.id).where(
                    COLLECTION.c.project_id == project_id,
                    COLLECTION.c.name.in_(some),
                    IS_LIVE_COLLECTION,
                )
            )
            found.update(dict(rows.all()))
        return found

    async def remembered_version(
        self, entity: str, project: str, collection: str, number: int
    ) -> VersionNode | None:
        values: dict[str, Value] = {
            "entity": entity,
            "project": project,
            "collection": collection,
            "number": number,
        }
        version_id: int | None = (await self._connection.execute(_REMEMBERED, values)).scalar()
        if version_id is None:
            return None
        return (await self.version_nodes([version_id]))[version_id]


def _places(node: NodeId, direction: Direction) -> Iterator[tuple[EdgeKind, ColumnElement[bool]]]:
    """Yield the kinds of edges that a node can have that way, and where they have it."""
    is_run, is_version, is_source = (
        column == bindparam("node")
        for column in (_EDGE.run_id, _EDGE.version_id, _EDGE.from_version_id)
    )
    if direction is not Direction.DOWNSTREAM:
        if isinstance(node, RunId):
            yield EdgeKind.USED, is_run & HAS_RUN
        else:
            yield EdgeKind.LOGGED, is_version
            yield EdgeKind.DERIVED, is_version
    if direction is not Direction.UPSTREAM:
        if isinstance(node, RunId):
            yield EdgeKind.LOGGED, is_run & HAS_RUN
        else:
            yield EdgeKind.USED, is_version
            yield EdgeKind.DERIVED, is_source & HAS_SOURCE
