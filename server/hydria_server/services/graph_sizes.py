"""How large nodes and edges are as messages: bounds, for pages end before a message is full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hydria_server.domain.deployments import DeploymentRecord
from hydria_server.domain.lineage import EdgeRecord, Node, VersionNode
from hydria_server.domain.runs import RunRecord

MAX_PAGE_BYTES: Final = 3 * 1024 * 1024
_ROW_BYTES: Final = 128


def edge_bytes(edge: EdgeRecord) -> int:
    """Return a bound for the size of an edge."""
    return _ROW_BYTES + _size(edge.recorded_ref + edge.requested_ref)


def node_bytes(node: Node | RunRecord) -> int:
    """Return a bound for the size of a node."""
    # The message has each name twice: in the ref or the label, and by itself.
    return 2 * _ROW_BYTES + 2 * _size("".join(_names(node)))


def texts_bytes(texts: Iterable[str]) -> int:
    """Return a bound for the size of some texts."""
    return sum(4 + _size(text) for text in texts)


def deployment_bytes(deployment: DeploymentRecord) -> int:
    """Return a bound for the size of a deployment."""
    names = (deployment.entity, deployment.entity, deployment.project, deployment.collection)
    said = (deployment.name, deployment.host, deployment.alias)
    labels = sum(16 + _size(label) for label in deployment.labels)
    return 2 * _ROW_BYTES + texts_bytes(names) + texts_bytes(said) + labels


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _names(node: Node | RunRecord) -> tuple[str, ...]:
    if isinstance(node, VersionNode):
        return node.entity, node.project, node.collection, node.collection, node.type
    return node.entity, node.project, node.run_id, node.display_name, node.job_type
