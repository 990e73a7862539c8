"""Where the pages of a walk from one node begin."""

from __future__ import annotations

from hydria_server.domain.errors import PageTokenInvalidError
from hydria_server.domain.filters import Cursor
from hydria_server.domain.lineage import NodeId
from hydria_server.services.nodes import find_node_id, nodes_of, parse_node_id
from hydria_server.storage.metadata.interface import Rows

_MAX_REVISION = 1 << 63


async def begin_at(rows: Rows, node: str, cursor: Cursor | None) -> tuple[NodeId, int, int]:
    """Return the node, the last edge to be seen, and the place of the first item of the page.

    A cursor has them as revision, place and id of the node.

    Raises:
        FieldViolationError, NameInvalidError: the node is malformed.
        NotFoundError, AliasNotFoundError: there is no such node.
        PageTokenInvalidError: the cursor has something else.
    """
    if cursor is None:
        return await find_node_id(rows, node, field="node"), await rows.edges.last_id(), 0
    match cursor:
        case (int(revision), int(start), str(text)) if 0 <= revision < _MAX_REVISION:
            root = parse_node_id(text)
            if start >= 0 and root is not None and await nodes_of(rows, [root]):
                return root, revision, start
    raise PageTokenInvalidError("the page token is garbled")
