"""Edges of one node: recorded at the moment of use, and listed with what is at their other ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hydria_server.domain.event_types import EventType
from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    NewEdge,
    Node,
    NodeId,
)
from hydria_server.domain.names import require_name
from hydria_server.domain.records import VersionRecord
from hydria_server.services.graph_sizes import MAX_PAGE_BYTES, edge_bytes, node_bytes
from hydria_server.services.history import History
from hydria_server.services.nodes import find_node
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.resolving import content_of, require_type, resolve
from hydria_server.services.run_access import require_run
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class Use:
    """A version that a run used; `created` is False when it had used it before."""

    version: VersionRecord
    created: bool


@dataclass(frozen=True, slots=True)
class EdgesRequest:
    """Which edges of which node."""

    node: str
    direction: Direction = Direction.BOTH
    kinds: Collection[EdgeKind] = ()  # none: all
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A page of the edges of a node, each with the node at its other end."""

    node_id: NodeId
    node: Node
    neighbours: tuple[tuple[EdgeRecord, Node], ...]
    next_page_token: str


def fitting(pairs: Sequence[tuple[EdgeRecord, Node]]) -> Sequence[tuple[EdgeRecord, Node]]:
    """Return the first of the neighbours, as many as one message can hold; one at least."""
    size_bytes = 0
    for count, (edge, node) in enumerate(pairs):
        size_bytes += edge_bytes(edge) + node_bytes(node)
        if count and size_bytes > MAX_PAGE_BYTES:
            return pairs[:count]
    return pairs


class LineageEdges:
    """Records what runs use, and lists edges."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def use(self, run_ref: str, ref: str, *, type_: str, actor: str) -> Use:
        """Resolve a ref, and record in the same transaction that a run used what it found.

        Of a link the edge has the source, whose ref stays the same whatever becomes of the link.

        Raises:
            FieldViolationError, NameInvalidError: a ref is malformed.
            NotFoundError, AliasNotFoundError, VersionDeletedError: one names nothing.
            TypeMismatchError: the version has another type than `type_`.
        """
        if type_:
            require_name(type_, field="type")

        async def apply(rows: Rows) -> Use:
            run = await require_run(rows, run_ref)
            version = require_type(await resolve(rows, ref), type_)
            content = await content_of(rows, version)
            now_us, history = self._clock(), History()
            edge = NewEdge(
                EdgeKind.USED, content.id, now_us, content.ref, run_id=run.id, requested_ref=ref
            )
            created = await rows.edges.insert([edge])
            if created:
                history.add_edge(EventType.VERSION_USED, content, {"run": run.ref})
                await history.record(rows, run.entity_id, actor=actor, now_us=now_us)
            return Use(version, bool(created))

        return await self._metadata.write(apply)

    async def list(self, request: EdgesRequest) -> Neighbours:
        """List edges of a node, in the order of recording.

        Raises:
            FieldViolationError, NameInvalidError: the node is malformed.
            NotFoundError, AliasNotFoundError: there is none.
            PageTokenInvalidError: the token is for another request.
        """
        kinds = frozenset(request.kinds) or frozenset(EdgeKind)
        bound_to = f"edges {request.node}\0{request.direction.value}\0{sorted(kinds)}"
        after = decode_token(request.page_token, bound_to=bound_to)
        after_id = after[0] if after and isinstance(after[0], int) else 0
        limit = page_limit(request.page_size)

        async def look(rows: Rows) -> Neighbours:
            node_id, node = await find_node(rows, request.node, field="node")
            found = await rows.edges.of_node(
                node_id, request.direction, kinds, after_id=after_id, limit=limit + 1
            )
            ends = [edge.target if edge.source == node_id else edge.source for edge in found]
            nodes = await rows.edges.nodes(set(ends))
            pairs = [(edge, nodes[end]) for edge, end in zip(found, ends, strict=True)]
            kept = fitting(pairs[:limit])
            cursor = (kept[-1][0].id,) if len(kept) < len(pairs) else None
            return Neighbours(node_id, node, tuple(kept), encode_token(cursor, bound_to=bound_to))

        return await self._metadata.read(look)
