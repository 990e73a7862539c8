"""What a walk found, cut into pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydria_server.domain.lineage import EdgeRecord, Node, NodeId
from hydria_server.domain.traversal import Reached, Walk
from hydria_server.services.graph_sizes import MAX_PAGE_BYTES, edge_bytes, node_bytes

MAX_EDGES = 4_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: at a node of the walk, or (from 1) at one of the edges it ends."""

    node: int
    edge: int


@dataclass(slots=True)
class GraphPage:
    """Nodes in the order of the walk, and the edges that end with them."""

    walk: Walk
    nodes: list[tuple[Node, Reached]] = field(default_factory=list)
    edges: list[EdgeRecord] = field(default_factory=list)
    frontier: list[NodeId] = field(default_factory=list)
    next: Place | None = None


def page_of(
    walk: Walk, nodes: Mapping[NodeId, Node | None], start: Place, *, limit: int
) -> GraphPage:
    """Return the page that begins at a place.

    Args:
        walk: what was found.
        nodes: what passes the filter; None for what is on none of the pages from here on.
        start: where the page before ended.
        limit: how many nodes at most; a page ends early where its message would be too large, and
            after 4,000 edges.
    """
    reached = list(walk.reached)
    edges = _edges_by_later_end(walk, nodes)
    page, size_bytes = GraphPage(walk), 0
    for place in range(start.node, len(reached)):
        key = reached[place]
        first = start.edge if place == start.node else 0
        if len(page.nodes) == limit:
            page.next = Place(place, first)
            return page
        if first == 0:
            size_bytes += _add_node(page, key, nodes.get(key))
        of_node = edges.get(place, ())
        for offset in range(max(first, 1), len(of_node) + 1):
            if size_bytes > MAX_PAGE_BYTES or len(page.edges) == MAX_EDGES:
                page.next = Place(place, offset)
                return page
            edge = of_node[offset - 1]
            page.edges.append(edge)
            size_bytes += edge_bytes(edge)
        if size_bytes > MAX_PAGE_BYTES and place + 1 < len(reached):
            page.next = Place(place + 1, 0)
            return page
    return page


def _add_node(page: GraphPage, key: NodeId, node: Node | None) -> int:
    """Add a node to a page if it passes; return how large that makes it."""
    if key in page.walk.frontier:
        page.frontier.append(key)
    if node is None:
        return 0
    page.nodes.append((node, page.walk.reached[key]))
    return node_bytes(node)


def _edges_by_later_end(
    walk: Walk, nodes: Mapping[NodeId, Node | None]
) -> Mapping[int, Sequence[EdgeRecord]]:
    """Return the edges with both ends among the nodes, by the place of the later one."""
    places = {key: place for place, key in enumerate(walk.reached) if key in nodes}
    found: dict[int, list[EdgeRecord]] = defaultdict(list)
    for _, edge in sorted(walk.edges.items()):
        source, target = places.get(edge.source), places.get(edge.target)
        if source is not None and target is not None:
            found[max(source, target)].append(edge)
    return found
