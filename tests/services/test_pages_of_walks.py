"""Pages of a walk end before their message is too large, and lose nothing between them."""

from __future__ import annotations

from hydria_server.domain.lineage import EdgeKind, EdgeRecord, Node, NodeId, VersionId, VersionNode
from hydria_server.domain.records import VersionState
from hydria_server.domain.traversal import Reached, Walk
from hydria_server.rpc.graph_messages import page_message
from hydria_server.services.graph_pages import MAX_EDGES, GraphPage, Place, page_of

MESSAGE_BYTES = 4 * 1024 * 1024
LONGEST = "\U0001f426" * 128


def a_walk(name: str, count: int) -> tuple[Walk, dict[NodeId, Node | None]]:
    """Return a walk from `count` versions to one that derives from all of them."""
    ref = f"{name}/{name}/{name}:v0"
    keys: list[NodeId] = [VersionId(number) for number in range(1, count + 2)]
    nodes: dict[NodeId, Node | None] = {
        key: VersionNode(
            key.number, 1, 1, 1, name, name, name, name, 0, bytes(32), VersionState.COMMITTED,
            10**15, 10**15,
        )
        for key in keys
    }  # fmt: skip
    edges = {
        number: EdgeRecord(
            number, EdgeKind.DERIVED, VersionId(number), VersionId(count + 1), 10**15, ref, ref
        )
        for number in range(1, count + 1)
    }
    return Walk({key: Reached(0) for key in keys}, edges, set(keys)), nodes


def pages_of(walk: Walk, nodes: dict[NodeId, Node | None], *, limit: int = 1000) -> list[GraphPage]:
    pages = [page_of(walk, nodes, Place(0, 0), limit=limit)]
    while pages[-1].next is not None:
        pages.append(page_of(walk, nodes, pages[-1].next, limit=limit))
    return pages


def test_pages_of_the_longest_names_fit_into_messages_and_have_all_of_a_walk() -> None:
    walk, nodes = a_walk(LONGEST, 3_000)
    pages = pages_of(walk, nodes)
    sizes = [page_message(page, "t" * 100).ByteSize() for page in pages]
    assert max(sizes) < MESSAGE_BYTES
    assert [node for page in pages for node, _ in page.nodes] == list(nodes.values())
    assert [edge.id for page in pages for edge in page.edges] == list(walk.edges)
    assert [key for page in pages for key in page.frontier] == list(walk.reached)


def test_a_page_has_no_more_edges_than_a_server_can_turn_into_a_message_quickly() -> None:
    walk, nodes = a_walk("birds", MAX_EDGES + 1)
    pages = pages_of(walk, nodes)
    assert max(len(page.edges) for page in pages) == MAX_EDGES
    assert [edge.id for page in pages for edge in page.edges] == list(walk.edges)
    assert sum(len(page.nodes) for page in pages) == MAX_EDGES + 2


def test_edges_to_what_does_not_pass_are_left_out() -> None:
    walk, nodes = a_walk("birds", 3)
    del nodes[VersionId(2)]
    (page,) = pages_of(walk, nodes)
    assert [edge.id for edge in page.edges] == [1, 3]
    assert len(page.frontier) == 4
