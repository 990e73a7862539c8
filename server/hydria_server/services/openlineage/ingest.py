"""IngestOpenLineage: events of other systems become runs, versions and edges, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hydria_server.domain.chunks import Chunk, StoredChunk
from hydria_server.domain.errors import HydriaError
from hydria_server.domain.names import require_name, require_project_name
from hydria_server.domain.openlineage import RunEvent
from hydria_server.domain.records import EntityRecord
from hydria_server.domain.roles import Role
from hydria_server.domain.runs import RunName, RunRecord
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.hashing import Hashing
from hydria_server.services.history import History
from hydria_server.services.openlineage.contents import Contents, contents_of
from hydria_server.services.openlineage.datasets import Making, ToldDatasets
from hydria_server.services.openlineage.reading import at, read_batch, require_bounds
from hydria_server.services.openlineage.run_changes import run_name_of
from hydria_server.services.openlineage.runs import ToldRuns
from hydria_server.services.runs import Runs
from hydria_server.services.sessions import Clock
from hydria_server.services.small_versions import CondemnedError, live_chunks
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """Events, and where the runs belong that they tell of."""

    entity: str
    project: str
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a batch came to."""

    run_refs: tuple[str, ...]
    created_edge_count: int
    event_count: int
    ignored_count: int


@dataclass(frozen=True, slots=True)
class _Telling:
    """A batch that is understood, and who sent it."""

    runs: dict[RunName, list[RunEvent]]  # by the time of their events
    contents: Contents
    entity: EntityRecord
    stored: dict[bytes, StoredChunk]
    actor: str
    role: Role


class OpenLineageIngest:
    """Takes batches of events: all of one, or nothing. The same events again change nothing."""

    def __init__(
        self,
        artifacts: ArtifactServices,
        metadata: MetadataStore,
        clock: Clock,
        threads: Hashing,
        runs: Runs,
    ) -> None:
        self._artifacts = artifacts
        self._metadata = metadata
        self._clock = clock
        self._threads = threads
        self._runs = runs

    async def ingest(self, request: IngestRequest, *, actor: str, role: Role) -> Ingested:
        """Record what a batch of events says.

        Raises:
            BatchTooLargeError: there is too much of it.
            FieldViolationError: an event is malformed; its place is in the details, as `index`.
            NameInvalidError, NameReservedError: the entity or project is malformed.
            TypeMismatchError: the collection of a dataset elsewhere has another type.
            StorageFullError, StorageUnavailableError: it cannot be stored.
        """
        require_name(request.entity, field="entity")
        require_project_name(request.project, field="project")
        size_bytes = require_bounds(request.events)
        async with self._artifacts.budget.hold(size_bytes):
            batch = await self._threads.run(partial(read_batch, request.events))
            contents = await self._threads.run(partial(contents_of, batch.events))
            while batch.events:
                try:
                    refs, edge_count = await self._attempt(
                        request, batch.events, contents, actor, role
                    )
                except CondemnedError:
                    continue
                return Ingested(refs, edge_count, len(batch.events), batch.ignored_count)
            return Ingested((), 0, 0, batch.ignored_count)

    async def _attempt(
        self,
        request: IngestRequest,
        events: Sequence[RunEvent],
        contents: Contents,
        actor: str,
        role: Role,
    ) -> tuple[tuple[str, ...], int]:
        entity = await self._entity(request.entity)
        stored = await self._stored(entity, contents)
        runs: dict[RunName, list[RunEvent]] = {}
        for event in sorted(events, key=lambda event: event.time_us):
            runs.setdefault(run_name_of(event, request.entity, request.project), []).append(event)
        telling = _Telling(runs, contents, entity, stored, actor, role)
        return await self._metadata.write(lambda rows: self._tell(rows, telling))

    async def _entity(self, name: str) -> EntityRecord:
        """Return the entity, which has the domain that bytes are stored in."""
        found = await self._metadata.read(lambda rows: rows.names.entity(name))
        if found is not None:
            return found
        now_us = self._clock()
        return await self._metadata.write(
            lambda rows: rows.names.ensure_entity(name, now_us=now_us)
        )

    async def _stored(self, entity: EntityRecord, contents: Contents) -> dict[bytes, StoredChunk]:
        """Make those chunks durable that are not there; a version will refer to them."""
        chunks: dict[bytes, Chunk] = {}
        for content in contents.values():
            chunks |= content.chunks
        live = await self._metadata.read(
            lambda rows: live_chunks(rows, entity.domain, list(chunks))
        )
        missing = [chunk for digest, chunk in chunks.items() if digest not in live]
        stored = await self._artifacts.small_versions.store(entity.domain, missing)
        return {chunk.digest: chunk for chunk in stored}

    async def _tell(self, rows: Rows, telling: _Telling) -> tuple[tuple[str, ...], int]:
        now_us, history = self._clock(), History()
        entity, actor = telling.entity, telling.actor
        told = ToldRuns(rows, self._runs, entity, history, now_us=now_us)
        records = {name: await told.tell(name, events) for name, events in telling.runs.items()}
        await history.record(rows, entity.id, actor=actor, now_us=now_us)
        edges = History()
        making = Making(
            self._artifacts.sessions,
            entity,
            telling.contents,
            telling.stored,
            self._clock,
            actor,
            telling.role,
        )
        datasets = ToldDatasets(rows, making, edges)
        for event, run in _by_time(telling.runs, records):
            try:
                await datasets.tell(event, run)
            except HydriaError as error:
                raise at(error, event.index) from None
        await edges.record(rows, entity.id, actor=actor, now_us=self._clock())
        return tuple(run.ref for run in records.values()), datasets.edge_count


def _by_time(
    runs: dict[RunName, list[RunEvent]], records: dict[RunName, RunRecord]
) -> list[tuple[RunEvent, RunRecord]]:
    """Return all events with their runs, so that who wrote comes before who read it."""
    pairs = [(event, records[name]) for name, events in runs.items() for event in events]
    return sorted(pairs, key=lambda pair: pair[0].time_us)
