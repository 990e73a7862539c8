"""Nodes of the graph: found by ref or id, whatever became of them."""

from __future__ import annotations

import re

from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.lineage import Node, NodeId, RunId, VersionId
from hydria_server.domain.refs import ByNumber, parse_ref
from hydria_server.domain.runs import parse_run_ref
from hydria_server.services.resolving import resolve
from hydria_server.services.run_access import find_run
from hydria_server.storage.metadata.interface import Rows

_NODE_ID = re.compile(r"([rv])([1-9][0-9]{0,17})")
_RUN_REF_SLASHES = 3


def parse_node_id(text: str) -> NodeId | None:
    """Return the id that `text` spells; None for what is no id."""
    matched = _NODE_ID.fullmatch(text)
    if matched is None:
        return None
    number = int(matched[2])
    return RunId(number) if matched[1] == "r" else VersionId(number)


async def find_node(rows: Rows, text: str, *, field: str) -> tuple[NodeId, Node]:
    """Return the node that a version ref, a run ref or an id names, deleted or not.

    Raises as `find_node_id`.
    """
    found = await find_node_id(rows, text, field=field)
    return found, (await rows.edges.nodes([found]))[found]


async def find_node_id(rows: Rows, text: str, *, field: str) -> NodeId:
    """Return the id of the node that a version ref, a run ref or an id names, deleted or not.

    Raises:
        FieldViolationError, NameInvalidError: it is none of these.
        NotFoundError, AliasNotFoundError: it names nothing.
    """
    by_id = parse_node_id(text)
    if by_id:
        if not await rows.edges.nodes([by_id]):
            raise NotFoundError(f"there is no node {by_id}")
        return by_id
    if text.count("/") == _RUN_REF_SLASHES:
        return RunId((await find_run(rows, parse_run_ref(text, field=field))).id)
    return VersionId(await _version_id(rows, text, field))


async def _version_id(rows: Rows, text: str, field: str) -> int:
    try:
        return (await resolve(rows, text, field=field)).content_id
    except NotFoundError:
        ref = parse_ref(text, field=field)
        if not isinstance(ref.selector, ByNumber):
            raise
        name = ref.name
        remembered = await rows.edges.remembered_version(
            name.entity, name.project, name.collection, ref.selector.number
        )
        if remembered is None:
            raise
        return remembered.id
