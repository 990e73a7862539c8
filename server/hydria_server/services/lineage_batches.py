"""RecordLineage: many edges in one transaction, their ends resolved together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hydria_server.domain.errors import (
    BatchTooLargeError,
    FieldViolationError,
    HydriaError,
    NotFoundError,
    VersionDeletedError,
)
from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.kinds import ProjectKind
from hydria_server.domain.lineage import EdgeKind, EdgeRecord, NewEdge, VersionNode
from hydria_server.domain.names import require_name
from hydria_server.domain.records import VersionState
from hydria_server.domain.refs import ByNumber, VersionRef, parse_ref
from hydria_server.domain.run_errors import LineageCycleError
from hydria_server.domain.runs import RunName, parse_run_ref
from hydria_server.services.history import History
from hydria_server.services.resolving import resolve
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

MAX_EDGES = 5_000
_EVENTS: Mapping[EdgeKind, EventType] = {
    EdgeKind.USED: EventType.VERSION_USED,
    EdgeKind.LOGGED: EventType.VERSION_LOGGED,
    EdgeKind.DERIVED: EventType.VERSION_DERIVED,
}


@dataclass(frozen=True, slots=True)
class EdgeDraft:
    """An edge as it is asked for: USED and LOGGED have a run, DERIVED has `from_ref`."""

    kind: EdgeKind
    ref: str
    run_ref: str = ""
    from_ref: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many edges are new, and how many were there."""

    created_count: int
    existing_count: int


@dataclass(slots=True)
class _Ends:
    """What the refs of a batch stand for; each is parsed once, however often it comes."""

    names: dict[str, RunName] = field(default_factory=dict)
    refs: dict[str, VersionRef] = field(default_factory=dict)
    runs: dict[RunName, int] = field(default_factory=dict)
    versions: dict[str, VersionNode] = field(default_factory=dict)

    def name(self, run_ref: str) -> RunName:
        """Return the parts of a run ref. Raises as `parse_run_ref`."""
        if run_ref not in self.names:
            self.names[run_ref] = parse_run_ref(run_ref, field="run_ref")
        return self.names[run_ref]

    def ref(self, text: str, *, field: str) -> VersionRef:
        """Return the parts of a ref. Raises as `parse_ref`."""
        if text not in self.refs:
            self.refs[text] = parse_ref(text, field=field)
        return self.refs[text]


class LineageBatches:
    """Records batches of edges."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def record(self, entity: str, drafts: Sequence[EdgeDraft], *, actor: str) -> Recorded:
        """Record edges, all or none; what is there already is no error.

        Raises:
            BatchTooLargeError: there are too many.
            FieldViolationError, NameInvalidError: one is malformed, or belongs to another entity.
            NotFoundError, AliasNotFoundError, VersionDeletedError: a ref names nothing.
            LineageCycleError: a version would be derived from itself.
            Errors about one edge have its place in their details, as `index`.
        """
        require_name(entity, field="entity")
        if len(drafts) > MAX_EDGES:
            raise BatchTooLargeError(
                f"{len(drafts)} edges are more than {MAX_EDGES}", details={"limit": str(MAX_EDGES)}
            )
        ends = _Ends()
        for index, draft in enumerate(drafts):
            try:
                _check(entity, draft, ends)
            except HydriaError as error:
                raise _at(error, index) from None
        return await self._metadata.write(
            lambda rows: self._record(rows, entity, drafts, ends, actor)
        )

    async def _record(
        self, rows: Rows, entity: str, drafts: Sequence[EdgeDraft], ends: _Ends, actor: str
    ) -> Recorded:
        now_us, history = self._clock(), History()
        await _resolve_all(rows, entity, drafts, ends)
        created = await _insert(rows, drafts, [_edge(draft, ends, now_us) for draft in drafts])
        if created:
            _note(history, created, ends)
            owner = await rows.names.ensure_entity(entity, now_us=now_us)
            await history.record(rows, owner.id, actor=actor, now_us=now_us)
        return Recorded(len(created), len(drafts) - len(created))


def _check(entity: str, draft: EdgeDraft, ends: _Ends) -> None:
    """Return when a draft is well formed, and belongs to the entity (I10: before a look-up)."""
    owner = ends.ref(draft.ref, field="ref").name.entity
    if draft.kind is EdgeKind.DERIVED:
        ends.ref(draft.from_ref, field="from_ref")
    elif ends.name(draft.run_ref).entity != entity:
        raise FieldViolationError("run_ref", f"it does not belong to {entity!r}")
    if draft.kind is not EdgeKind.USED and owner != entity:
        raise FieldViolationError("ref", f"what was {draft.kind.name} belongs to another entity")


async def _resolve_all(rows: Rows, entity: str, drafts: Sequence[EdgeDraft], ends: _Ends) -> None:
    """Resolve all refs of a batch, each once."""
    by_project: dict[str, set[str]] = defaultdict(set)
    for name in ends.names.values():
        by_project[name.project].add(name.run_id)
    for project, run_ids in by_project.items():
        found = await rows.names.project(entity, project)
        ids = await rows.runs.ids_by_name(found.id, run_ids) if found else {}
        ends.runs.update((RunName(entity, project, run_id), row) for run_id, row in ids.items())
    ends.versions = await _numbered_versions(rows, ends.refs)
    for index, draft in enumerate(drafts):
        try:
            await _resolve_rest(rows, draft, ends)
        except HydriaError as error:
            raise _at(error, index) from None


async def _numbered_versions(rows: Rows, refs: Mapping[str, VersionRef]) -> dict[str, VersionNode]:
    """Resolve refs that end in `:vN`, by their collections' present names, all at once.

    Not those of links: these stand for their sources.
    """
    by_project: dict[tuple[str, str], dict[tuple[str, int], str]] = defaultdict(dict)
    for text, ref in refs.items():
        if isinstance(ref.selector, ByNumber):
            key = (ref.name.collection, ref.selector.number)
            by_project[ref.name.entity, ref.name.project][key] = text
    found: dict[str, VersionNode] = {}
    for (entity, name), texts in by_project.items():
        project = await rows.names.project(entity, name)
        if project is not None and project.kind is ProjectKind.PROJECT:
            versions = await rows.edges.live_versions(project.id, texts)
            found.update((texts[key], version) for key, version in versions.items())
    return found


async def _resolve_rest(rows: Rows, draft: EdgeDraft, ends: _Ends) -> None:
    """Resolve what was not found at once: aliases, digests, old names, links; and what is wrong."""
    sources = (draft.from_ref,) if draft.kind is EdgeKind.DERIVED else ()
    for text, name in zip((draft.ref, *sources), ("ref", "from_ref"), strict=False):
        if text not in ends.versions:
            version = await resolve(rows, text, field=name)
            ends.versions.update(
                (text, node)
                for node in (await rows.edges.version_nodes([version.content_id])).values()
            )
        elif ends.versions[text].state is VersionState.DELETED:
            raise VersionDeletedError(f"{ends.versions[text].ref} was deleted")
    if draft.kind is not EdgeKind.DERIVED and ends.name(draft.run_ref) not in ends.runs:
        raise NotFoundError(f"there is no run {draft.run_ref}")


def _edge(draft: EdgeDraft, ends: _Ends, now_us: int) -> NewEdge:
    version = ends.versions[draft.ref]
    if draft.kind is EdgeKind.DERIVED:
        source = ends.versions[draft.from_ref].id
        return NewEdge(draft.kind, version.id, now_us, version.ref, from_version_id=source)
    run_id = ends.runs[ends.name(draft.run_ref)]
    requested_ref = draft.ref if draft.kind is EdgeKind.USED else ""
    return NewEdge(
        draft.kind, version.id, now_us, version.ref, run_id=run_id, requested_ref=requested_ref
    )


async def _insert(
    rows: Rows, drafts: Sequence[EdgeDraft], edges: Sequence[NewEdge]
) -> list[EdgeRecord]:
    """Insert edges.

    A cycle needs a derivation from a version with a higher id: while there is none, nothing has to
    be walked.

    Raises:
        LineageCycleError: a version would be derived from itself.
    """
    derived = [edge for edge in edges if edge.from_version_id is not None]
    if not any(_is_backward(edge) for edge in derived) and (
        not derived or not await rows.edges.has_backward()
    ):
        return await rows.edges.insert(edges)
    created: list[EdgeRecord] = []
    for index, edge in enumerate(edges):
        source = edge.from_version_id
        if source is not None and await rows.edges.derives(source, from_version_id=edge.version_id):
            draft = drafts[index]
            problem = f"{draft.ref} cannot be derived from {draft.from_ref}, which derives from it"
            raise _at(LineageCycleError(problem), index)
        created += await rows.edges.insert([edge])
    return created


def _is_backward(edge: NewEdge) -> bool:
    return edge.from_version_id is not None and edge.from_version_id >= edge.version_id


def _note(history: History, created: Iterable[EdgeRecord], ends: _Ends) -> None:
    versions = {version.id: version for version in ends.versions.values()}
    runs = {row_id: str(name) for name, row_id in ends.runs.items()}
    for edge in created:
        version = versions[edge.version_id]
        data: dict[str, Json]
        if edge.kind is EdgeKind.DERIVED:
            source = edge.source.number
            data = {"source": versions[source].ref, "source_id": source}
        else:
            run = edge.target if edge.kind is EdgeKind.USED else edge.source
            data = {"run": runs[run.number]}
        history.add_edge(_EVENTS[edge.kind], version, data)


def _at(error: HydriaError, index: int) -> HydriaError:
    """Return the error with the place of the edge that it is about."""
    error.details["index"] = str(index)
    error.message = f"edges[{index}]: {error.message}"
    return error
