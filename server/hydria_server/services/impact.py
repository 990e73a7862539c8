"""GetImpact: what has a name, and was made of something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.lineage import Direction, Node, NodeId, VersionId
from hydria_server.domain.records import LATEST
from hydria_server.domain.traversal import MAX_NODES, Reached, Walk, WalkPlan
from hydria_server.services.graph_sizes import node_bytes
from hydria_server.services.hashing import Hashing
from hydria_server.services.nodes import nodes_of
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.walk_beginnings import begin_at
from hydria_server.services.walking import walk
from hydria_server.storage.metadata.interface import MetadataStore, Rows

_MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
_MAX_ALIASES: Final = 1_000
_ID_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class ImpactRequest:
    """Of what, and how much of it; 0 stands for a default."""

    node: str
    max_nodes: int = 0
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Impacted:
    """A version that has aliases, and the way to it."""

    version: Node
    reached: Reached
    path: tuple[NodeId, ...]
    aliases: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """A bound for its size as a message."""
        names = sum(4 + len(alias.encode()) for alias in self.aliases)
        return node_bytes(self.version) + names + _ID_BYTES * len(self.path)


@dataclass(frozen=True, slots=True)
class Impact:
    """A page of what is affected, nearest first."""

    node: Node
    versions: tuple[Impacted, ...]
    visited_count: int
    is_truncated: bool
    next_page_token: str


class Impacts:
    """Answers what things have an effect on."""

    def __init__(self, metadata: MetadataStore, threads: Hashing) -> None:
        self._metadata = metadata
        self._threads = threads

    async def get(self, request: ImpactRequest) -> Impact:
        """Return a page of the versions with aliases that were made of something, or are it.

        Raises:
            FieldViolationError, NameInvalidError: the node is malformed, or a number too large.
            NotFoundError, AliasNotFoundError: there is no such node.
            PageTokenInvalidError: the token is for another request.
        """
        if request.max_nodes > MAX_NODES:
            raise FieldViolationError("max_nodes", f"it is over {MAX_NODES}")
        limit = page_limit(request.page_size)
        bound_to = f"impact {request.node}\0{request.max_nodes}"
        cursor = decode_token(request.page_token, bound_to=bound_to)

        async def look(rows: Rows) -> Impact:
            root, revision, start = await begin_at(rows, request.node, cursor)
            max_nodes = request.max_nodes or MAX_NODES
            plan = WalkPlan(
                (root,), revision, Direction.DOWNSTREAM, max_depth=max_nodes, max_nodes=max_nodes
            )
            found = await walk(rows, plan)
            named = await _named(rows, found)
            # Aliases move between pages, so that a page begins at a place in the walk itself.
            places = [place for place, key in enumerate(found.reached) if key in named]
            wanted = [place for place in places if place >= start]
            came_from = await self._threads.run(partial(_came_from, found))
            page = await _page(rows, found, came_from, named, wanted[:limit])
            rest = wanted[len(page) :]
            following = (revision, rest[0], str(root)) if rest else None
            return Impact(
                (await nodes_of(rows, [root]))[root],
                page,
                len(found.reached),
                found.truncated_by_budget,
                encode_token(following, bound_to=bound_to),
            )

        return await self._metadata.read(look)


async def _named(rows: Rows, found: Walk) -> dict[NodeId, tuple[str, ...]]:
    """Return the aliases of the versions that have some of their own."""
    numbers = [key.number for key in found.reached if isinstance(key, VersionId)]
    aliases = await rows.aliases.of_versions(numbers)
    own = {
        VersionId(number): tuple(name for name in names if name != LATEST)[:_MAX_ALIASES]
        for number, names in aliases.items()
    }
    return {key: names for key, names in own.items() if names}


async def _page(
    rows: Rows,
    found: Walk,
    came_from: dict[NodeId, NodeId],
    named: dict[NodeId, tuple[str, ...]],
    places: list[int],
) -> tuple[Impacted, ...]:
    """Return the versions at these places, as many as one message can hold; one at least."""
    reached = list(found.reached)
    nodes = await nodes_of(rows, [reached[place] for place in places])
    page: list[Impacted] = []
    size_bytes = 0
    for place in places:
        key = reached[place]
        impacted = Impacted(nodes[key], found.reached[key], _path(came_from, key), named[key])
        size_bytes += impacted.size_bytes
        if page and size_bytes > _MAX_PAGE_BYTES:
            break
        page.append(impacted)
    return tuple(page)


def _came_from(found: Walk) -> dict[NodeId, NodeId]:
    """Return for each node but the root the one before it on a shortest way."""
    before: dict[NodeId, NodeId] = {}
    for _, edge in sorted(found.edges.items()):
        source, target = edge.source, edge.target
        if found.reached[source].depth + 1 == found.reached[target].depth:
            before.setdefault(target, source)
    return before


def _path(came_from: dict[NodeId, NodeId], key: NodeId) -> tuple[NodeId, ...]:
    path = [key]
    while path[-1] in came_from:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))
