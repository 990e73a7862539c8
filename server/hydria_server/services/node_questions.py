"""What questions about one node have in common: how they are asked, and where their pages begin."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.errors import FieldViolationError, PageTokenInvalidError
from hydria_server.domain.filters import Cursor
from hydria_server.domain.lineage import Direction, NodeId
from hydria_server.domain.traversal import MAX_NODES, Walk, WalkPlan
from hydria_server.services.nodes import find_node_id, parse_node_id
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.walking import walk
from hydria_server.storage.metadata.interface import Rows

_MAX_REVISION = 1 << 63


@dataclass(frozen=True, slots=True)
class NodeQuestion:
    """About which node, and how much is to be told; 0 stands for a default."""

    node: str
    max_nodes: int = 0
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """A walk from the node of a question to the end, and the place where the page begins."""

    root: NodeId
    revision: int
    start: int
    walk: Walk


class QuestionPage:
    """A page of the answer to a question, checked before anything is read."""

    def __init__(self, kind: str, question: NodeQuestion) -> None:
        """Take what is asked, and a word for what kind of question it is.

        Raises:
            FieldViolationError: a number is too large.
            PageTokenInvalidError: the token is for another question.
        """
        if question.max_nodes > MAX_NODES:
            raise FieldViolationError("max_nodes", f"it is over {MAX_NODES}")
        self.limit = page_limit(question.page_size)
        self._question = question
        self._bound_to = f"{kind} {question.node}\0{question.max_nodes}"
        self._cursor = decode_token(question.page_token, bound_to=self._bound_to)

    async def walk(self, rows: Rows, direction: Direction, *, default_nodes: int) -> Walked:
        """Walk from the node as far as its budget goes.

        Raises:
            FieldViolationError, NameInvalidError: the node is malformed.
            NotFoundError, AliasNotFoundError: there is no such node.
            PageTokenInvalidError: the token is garbled.
        """
        root, revision, start = await _begin_at(rows, self._question.node, self._cursor)
        max_nodes = self._question.max_nodes or default_nodes
        plan = WalkPlan((root,), revision, direction, max_depth=max_nodes, max_nodes=max_nodes)
        return Walked(root, revision, start, await walk(rows, plan))

    def next_token(self, walked: Walked, place: int | None) -> str:
        """Return the token of the page that begins at a place; the empty text without one."""
        following = None if place is None else (walked.revision, place, str(walked.root))
        return encode_token(following, bound_to=self._bound_to)


async def _begin_at(rows: Rows, node: str, cursor: Cursor | None) -> tuple[NodeId, int, int]:
    """Return the node, the last edge to be seen, and the place of the first item of the page.

    A cursor has them as revision, place and id of the node: aliases move between pages.
    """
    if cursor is None:
        return await find_node_id(rows, node, field="node"), await rows.edges.last_id(), 0
    match cursor:
        case (int(revision), int(start), str(text)) if 0 <= revision < _MAX_REVISION:
            root = parse_node_id(text)
            if start >= 0 and root is not None and await rows.edges.nodes([root]):
                return root, revision, start
    raise PageTokenInvalidError("the page token is garbled")
