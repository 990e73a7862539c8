"""Versions and runs as nodes of the graph: what is selected of them, and how they are found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select

from hydria_server.domain.lineage import Node, NodeId, RunId, RunNode, VersionId, VersionNode
from hydria_server.domain.records import VersionState
from hydria_server.domain.runs import RunState
from hydria_server.storage.metadata.dialect import batches, given_numbers, is_one_of_numbers
from hydria_server.storage.metadata.direct import Row, Script
from hydria_server.storage.metadata.lineage_tables import RUN
from hydria_server.storage.metadata.tables import COLLECTION, ENTITY, PROJECT, VERSION

PLACED: Final = (
    VERSION.join(COLLECTION, COLLECTION.c.id == VERSION.c.collection_id)
    .join(PROJECT, PROJECT.c.id == COLLECTION.c.project_id)
    .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
)
"""Versions, and what they are in."""
VERSION_NODES: Final = select(
    VERSION.c.id,
    PROJECT.c.entity_id,
    VERSION.c.project_id,
    VERSION.c.collection_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    COLLECTION.c.name.label("collection"),
    COLLECTION.c.type,
    VERSION.c.number,
    VERSION.c.digest,
    VERSION.c.state,
    VERSION.c.created_at_us,
    func.coalesce(VERSION.c.deleted_at_us, COLLECTION.c.deleted_at_us).label("deleted_at_us"),
).select_from(PLACED)
VERSIONS_BY_ID: Final = VERSION_NODES.where(is_one_of_numbers(VERSION.c.id))
RUNS_BY_ID: Final = (
    select(
        RUN.c.id,
        ENTITY.c.name.label("entity"),
        PROJECT.c.name.label("project"),
        RUN.c.run_id,
        RUN.c.display_name,
        RUN.c.job_type,
        RUN.c.created_at_us,
        RUN.c.state,
    )
    .select_from(
        RUN.join(PROJECT, PROJECT.c.id == RUN.c.project_id).join(
            ENTITY, ENTITY.c.id == PROJECT.c.entity_id
        )
    )
    .where(is_one_of_numbers(RUN.c.id))
)
_VERSION_STATE: Final = 10  # where the columns have it
_VERSION_STATES: Final = {state.value: state for state in VersionState}
_RUN_STATES: Final = {state.value: state for state in RunState}
_NODES_AT_ONCE: Final = 1_000


def version_node_in(row: Row) -> VersionNode:
    """Return the node in a row of `VERSION_NODES`."""
    state = _VERSION_STATES[row[_VERSION_STATE]]
    return VersionNode._make((*row[:_VERSION_STATE], state, *row[_VERSION_STATE + 1 :]))


def _run_node_in(row: Row) -> RunNode:
    return RunNode._make((*row[:-1], _RUN_STATES[row[-1]]))


def nodes_found(ids: Collection[NodeId]) -> Script[dict[NodeId, Node]]:
    """Return the script that finds nodes."""
    found: dict[NodeId, Node] = {}
    run_ids = {node.number for node in ids if isinstance(node, RunId)}
    for numbers in batches(run_ids, _NODES_AT_ONCE):
        rows = yield RUNS_BY_ID, given_numbers(numbers)
        found.update([(RunId(row[0]), _run_node_in(row)) for row in rows])
    versions = yield from versions_found(
        {node.number for node in ids if isinstance(node, VersionId)}
    )
    found.update([(VersionId(version_id), node) for version_id, node in versions.items()])
    return found


def versions_found(version_ids: Collection[int]) -> Script[dict[int, VersionNode]]:
    """Return the script that finds versions."""
    found: dict[int, VersionNode] = {}
    for numbers in batches(version_ids, _NODES_AT_ONCE):
        rows = yield VERSIONS_BY_ID, given_numbers(numbers)
        found.update([(row[0], version_node_in(row)) for row in rows])
    return found
