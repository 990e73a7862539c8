"""GetImpact: what was made of something, and is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hydria_server.domain.lineage import Direction, Node, NodeId, VersionId
from hydria_server.domain.traversal import MAX_NODES, Reached, Walk
from hydria_server.services.graph_sizes import node_bytes
from hydria_server.services.hashing import Hashing
from hydria_server.services.node_questions import NodeQuestion, QuestionPage
from hydria_server.services.sessions import Clock
from hydria_server.services.version_uses import Uses, used_versions, uses_of
from hydria_server.services.walking import worked_out
from hydria_server.storage.metadata.interface import MetadataStore, Rows

_MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
_ID_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Impacted:
    """A version that is asked for, by what, and the way to it."""

    version: Node
    reached: Reached
    path: tuple[NodeId, ...]
    uses: Uses

    @property
    def size_bytes(self) -> int:
        """A bound for its size as a message."""
        return node_bytes(self.version) + self.uses.size_bytes + _ID_BYTES * len(self.path)


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

    def __init__(self, metadata: MetadataStore, clock: Clock, threads: Hashing) -> None:
        self._metadata = metadata
        self._clock = clock
        self._threads = threads

    async def get(self, question: NodeQuestion) -> Impact:
        """Return a page of the versions that are asked for and were made of something, or are it.

        Asked for is what has an alias other than `latest`, a live link or a LIVE deployment.

        Raises:
            FieldViolationError, NameInvalidError: the node is malformed, or a number too large.
            NotFoundError, AliasNotFoundError: there is no such node.
            PageTokenInvalidError: the token is for another request.
        """
        asked = QuestionPage("impact", question)

        async def look(rows: Rows) -> Impact:
            walked = await asked.walk(rows, Direction.DOWNSTREAM, default_nodes=MAX_NODES)
            root, found = walked.root, walked.walk
            now = self._clock()
            numbers = [key.number for key in found.reached if isinstance(key, VersionId)]
            used = await used_versions(rows, numbers, now_us=now)
            # What is asked for changes between pages, so that a page begins at a place in the walk.
            wanted = [
                place
                for place, key in enumerate(found.reached)
                if place >= walked.start and isinstance(key, VersionId) and key.number in used
            ]
            came_from = await worked_out(self._threads, found, partial(_came_from, found))
            page = await _page(rows, found, came_from, wanted[: asked.limit], now_us=now)
            rest = wanted[len(page) :]
            return Impact(
                (await rows.edges.nodes([root]))[root],
                tuple(page),
                len(found.reached),
                found.truncated_by_budget,
                asked.next_token(walked, rest[0] if rest else None),
            )

        return await self._metadata.read(look)


async def _page(
    rows: Rows, found: Walk, came_from: dict[NodeId, NodeId], places: Sequence[int], *, now_us: int
) -> list[Impacted]:
    """Return the versions at these places, as many as one message can hold; one at least."""
    reached = list(found.reached)
    keys = [reached[place] for place in places]
    page: list[Impacted] = []
    size_bytes, at_once = 0, len(keys)
    while len(page) < len(keys):
        some = keys[len(page) : len(page) + at_once]
        uses = await uses_of(rows, [key.number for key in some], now_us=now_us)
        at_once = len(uses)
        nodes = await rows.edges.nodes(some[:at_once])
        for key in some[:at_once]:
            impacted = Impacted(
                nodes[key], found.reached[key], _path(came_from, key), uses[key.number]
            )
            size_bytes += impacted.size_bytes
            if page and size_bytes > _MAX_PAGE_BYTES:
                return page
            page.append(impacted)
    return page


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
