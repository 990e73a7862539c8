"""TraverseLineage: walks that are asked for, in pages or in groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from hydria_server.domain.errors import (
    BatchTooLargeError,
    FieldViolationError,
    PageTokenInvalidError,
)
from hydria_server.domain.filters import Cursor
from hydria_server.domain.lineage import Direction, Node, NodeId
from hydria_server.domain.traversal import (
    DEFAULT_DEPTH,
    DEFAULT_NODES,
    MAX_DEPTH,
    MAX_FILTER_ENTRIES,
    MAX_NODES,
    MAX_ROOTS,
    EdgeFilter,
    NodeFilter,
    Walk,
    WalkPlan,
)
from hydria_server.services.graph_groups import GroupedGraph, grouped
from hydria_server.services.graph_pages import GraphPage, Place, page_of
from hydria_server.services.hashing import Hashing
from hydria_server.services.nodes import find_node_id, parse_node_id
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.walking import walk, worked_out
from hydria_server.storage.metadata.interface import MetadataStore, Rows

_CURSOR_KEYS = 3
_MAX_REVISION = 1 << 63


@dataclass(frozen=True, slots=True)
class TraversalRequest:
    """A walk as it is asked for; 0 stands for a default."""

    roots: tuple[str, ...]
    direction: Direction = Direction.BOTH
    max_depth: int = 0
    max_nodes: int = 0
    nodes: NodeFilter = field(default_factory=NodeFilter)
    edges: EdgeFilter = field(default_factory=EdgeFilter)
    page_size: int = 0
    page_token: str = ""

    @property
    def bound_to(self) -> str:
        """What the pages of one walk have in common."""
        nodes, edges = self.nodes, self.edges
        sets = (nodes.kinds, nodes.types, nodes.job_types, nodes.projects, edges.kinds)
        times = (edges.recorded_from_us, edges.recorded_before_us)
        limits = (self.direction, self.max_depth, self.max_nodes)
        return f"walk {self.roots!r} {limits!r} {[sorted(each) for each in sets]!r} {times!r}"


class Traversals:
    """Walks through the graph."""

    def __init__(self, metadata: MetadataStore, threads: Hashing) -> None:
        self._metadata = metadata
        self._threads = threads

    async def page(self, request: TraversalRequest) -> tuple[GraphPage, str]:
        """Walk, and return a page of what was found and the token of the next one.

        Every page walks again, through the edges that were there when the first one did.

        Raises:
            BatchTooLargeError: there are too many roots, or entries of filters.
            FieldViolationError, NameInvalidError: a root is malformed, or a number is too large.
            NotFoundError, AliasNotFoundError: a root names nothing.
            PageTokenInvalidError: the token is for another request.
        """
        _check(request)
        limit = page_limit(request.page_size)
        cursor = decode_token(request.page_token, bound_to=request.bound_to)

        async def look(rows: Rows) -> tuple[GraphPage, str]:
            plan, start = await _begin(rows, request, cursor)
            found = await walk(rows, plan)
            nodes = await _details(rows, found, request.nodes, start.node, limit)
            cut = partial(page_of, found, nodes, start, limit=limit)
            page = await worked_out(self._threads, found, cut)
            following = page.next
            if following is None:
                return page, ""
            ids = tuple(str(root) for root in plan.roots)
            keys: Cursor = (plan.revision, following.node, following.edge, *ids)
            return page, encode_token(keys, bound_to=request.bound_to)

        return await self._metadata.read(look)

    async def groups(self, request: TraversalRequest) -> GroupedGraph:
        """Walk, and return what was found by types. Raises as `page`."""
        _check(request)
        if request.page_token:
            raise PageTokenInvalidError("a grouped graph has one page")

        async def look(rows: Rows) -> GroupedGraph:
            plan, _ = await _begin(rows, request, None)
            found = await walk(rows, plan)
            nodes = await rows.edges.nodes(found.reached.keys())
            passing = {key: node for key, node in nodes.items() if request.nodes.passes(node)}
            return await worked_out(self._threads, found, partial(grouped, found, passing))

        return await self._metadata.read(look)


def _check(request: TraversalRequest) -> None:
    if not request.roots:
        raise FieldViolationError("roots", "it is empty; name a version or a run to begin at")
    if len(request.roots) > MAX_ROOTS:
        raise BatchTooLargeError(
            f"{len(request.roots)} roots are more than {MAX_ROOTS}",
            details={"limit": str(MAX_ROOTS)},
        )
    if request.max_depth > MAX_DEPTH:
        raise FieldViolationError("max_depth", f"it is over {MAX_DEPTH}")
    if request.max_nodes > MAX_NODES:
        raise FieldViolationError("max_nodes", f"it is over {MAX_NODES}")
    nodes = request.nodes
    entries = sum(map(len, (nodes.kinds, nodes.types, nodes.job_types, nodes.projects)))
    if entries > MAX_FILTER_ENTRIES:
        raise BatchTooLargeError(
            f"the filter of nodes has more than {MAX_FILTER_ENTRIES} entries",
            details={"limit": str(MAX_FILTER_ENTRIES)},
        )


async def _begin(
    rows: Rows, request: TraversalRequest, cursor: Cursor | None
) -> tuple[WalkPlan, Place]:
    """Return the plan of a walk and where its page begins.

    A token remembers what the roots' names meant on the first page: aliases move meanwhile.
    """
    if cursor is None:
        found = [await find_node_id(rows, root, field="roots") for root in request.roots]
        return _plan(request, tuple(found), await rows.edges.last_id()), Place(0, 0)
    numbers = [key for key in cursor[:_CURSOR_KEYS] if isinstance(key, int)]
    ids = [parse_node_id(str(key)) for key in cursor[_CURSOR_KEYS:]]
    roots = tuple(each for each in ids if each is not None)
    is_sound = len(numbers) == _CURSOR_KEYS and 0 < len(roots) == len(ids) <= MAX_ROOTS
    if not is_sound or not all(0 <= number < _MAX_REVISION for number in numbers):
        raise PageTokenInvalidError("the page token is garbled")
    if len(await rows.edges.nodes(set(roots))) < len(set(roots)):
        raise PageTokenInvalidError("the page token is garbled")
    revision, node, edge = numbers
    return _plan(request, roots, revision), Place(node, edge)


def _plan(request: TraversalRequest, roots: tuple[NodeId, ...], revision: int) -> WalkPlan:
    return WalkPlan(
        roots,
        revision,
        request.direction,
        request.edges,
        request.max_depth or DEFAULT_DEPTH,
        request.max_nodes or DEFAULT_NODES,
    )


async def _details(
    rows: Rows, found: Walk, filter_: NodeFilter, start: int, limit: int
) -> dict[NodeId, Node | None]:
    """Return the nodes that a page may have; of those before it, whether they pass (as None).

    Without a filter all of them pass, and only those of the page are looked up.
    """
    reached = list(found.reached)
    if filter_.passes_all:
        on_page = await rows.edges.nodes(reached[start : start + limit + 1])
        return dict.fromkeys(reached) | on_page
    nodes = await rows.edges.nodes(reached)
    return {key: node for key, node in nodes.items() if filter_.passes(node)}
