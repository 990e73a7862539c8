"""Pages of edges end before their message is too large, however long the names are."""

from __future__ import annotations

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.lineage import EdgeKind, EdgeRecord, Node, RunId, VersionId, VersionNode
from hydria_server.domain.records import VersionState
from hydria_server.rpc.lineage_messages import edge_message, node_message
from hydria_server.services.lineage_edges import fitting

MESSAGE_BYTES = 4 * 1024 * 1024


def neighbours(name: str, count: int) -> list[tuple[EdgeRecord, Node]]:
    ref = f"{name}/{name}/{name}:v0"
    node = VersionNode(
        1, 1, 1, 1, name, name, name, name, 0, bytes(32), VersionState.COMMITTED, 10**15, 10**15
    )
    edge = EdgeRecord(1 << 60, EdgeKind.USED, VersionId(1 << 60), RunId(1 << 60), 10**15, ref, ref)
    return [(edge, node)] * count


def test_a_page_of_the_longest_names_fits_into_a_message() -> None:
    pairs = neighbours("\U0001f426" * 128, 1000)
    kept = fitting(pairs)
    message = pb.ListLineageEdgesResponse(
        neighbours=[
            pb.LineageNeighbour(edge=edge_message(edge), node=node_message(node))
            for edge, node in kept
        ]
    )
    assert 1 < len(kept) < len(pairs)
    assert MESSAGE_BYTES // 2 < message.ByteSize() < MESSAGE_BYTES


def test_a_page_of_short_names_is_whole() -> None:
    assert len(fitting(neighbours("birds", 1000))) == 1000
