"""GetProvenance: how something came to be, and what is needed to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hydria_server.domain.lineage import Direction, Node, NodeId, RunId
from hydria_server.domain.runs import RunDocuments, RunRecord
from hydria_server.domain.traversal import DEFAULT_NODES, Walk
from hydria_server.services.graph_sizes import node_bytes
from hydria_server.services.hashing import Hashing
from hydria_server.services.node_questions import NodeQuestion, QuestionPage
from hydria_server.services.provenance_steps import StepPart, parts_of, sources_of
from hydria_server.services.walking import worked_out
from hydria_server.storage.metadata.interface import MetadataStore, Rows

_MAX_PAGE_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DescribedStep:
    """A part of a step. The first one has the documents of its run."""

    run: RunRecord | None
    documents: RunDocuments | None
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    part: int

    @property
    def size_bytes(self) -> int:
        """A bound for its size as a message."""
        texts: Iterable[str] = ()
        if self.documents is not None:
            said = self.documents
            texts = (said.config_json, said.summary_json, said.description, *said.command_line)
        nodes = (*self.inputs, *self.outputs, *((self.run,) if self.run else ()))
        return sum(map(node_bytes, nodes)) + sum(len(text.encode()) for text in texts)


@dataclass(frozen=True, slots=True)
class Provenance:
    """A page: first what must be at hand, then what to do."""

    node: Node
    sources: tuple[Node, ...]
    steps: tuple[DescribedStep, ...]
    is_truncated: bool
    next_page_token: str


class Provenances:
    """Answers how things came to be."""

    def __init__(self, metadata: MetadataStore, threads: Hashing) -> None:
        self._metadata = metadata
        self._threads = threads

    async def get(self, question: NodeQuestion) -> Provenance:
        """Return a page of the sources and the steps that something was made from.

        Raises:
            FieldViolationError, NameInvalidError: the node is malformed, or a number too large.
            NotFoundError, AliasNotFoundError: there is no such node.
            PageTokenInvalidError: the token is for another request.
        """
        asked = QuestionPage("provenance", question)

        async def look(rows: Rows) -> Provenance:
            walked = await asked.walk(rows, Direction.UPSTREAM, default_nodes=DEFAULT_NODES)
            found, start = walked.walk, walked.start
            nodes = await rows.edges.nodes(found.reached.keys())
            items = await worked_out(self._threads, found, partial(_items, found, nodes))
            page = await _page(rows, nodes, items[start : start + asked.limit])
            end = start + len(page)
            return Provenance(
                nodes[walked.root],
                tuple(item for item in page if not isinstance(item, DescribedStep)),
                tuple(item for item in page if isinstance(item, DescribedStep)),
                found.truncated_by_budget,
                asked.next_token(walked, end if end < len(items) else None),
            )

        return await self._metadata.read(look)


def _items(found: Walk, nodes: dict[NodeId, Node]) -> list[NodeId | StepPart]:
    return [*sources_of(found), *parts_of(found, nodes)]


async def _page(
    rows: Rows, nodes: dict[NodeId, Node], items: Sequence[NodeId | StepPart]
) -> list[Node | DescribedStep]:
    """Return the first of the items, as many as one message can hold; one at least."""
    page: list[Node | DescribedStep] = []
    size_bytes = 0
    parts = [item for item in items if isinstance(item, StepPart)]
    runs = await rows.runs.by_ids(
        {part.key.number for part in parts if isinstance(part.key, RunId)}
    )
    for item in items:
        if isinstance(item, StepPart):
            step = await _described(rows, nodes, runs, item)
            size_bytes += step.size_bytes
            entry: Node | DescribedStep = step
        else:
            entry = nodes[item]
            size_bytes += node_bytes(entry)
        if page and size_bytes > _MAX_PAGE_BYTES:
            break
        page.append(entry)
    return page


async def _described(
    rows: Rows, nodes: Mapping[NodeId, Node], runs: Mapping[int, RunRecord], part: StepPart
) -> DescribedStep:
    run = runs.get(part.key.number) if isinstance(part.key, RunId) else None
    is_first = isinstance(part.key, RunId) and part.number == 0
    return DescribedStep(
        run,
        await rows.runs.documents(part.key.number) if is_first else None,
        tuple(nodes[key] for key in part.inputs),
        tuple(nodes[key] for key in part.outputs),
        part.number,
    )
