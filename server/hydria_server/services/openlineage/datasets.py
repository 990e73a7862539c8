"""The datasets of events: versions of ours, and versions that stand for what is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hydria_server.domain.chunks import StoredChunk
from hydria_server.domain.digest import format_digest
from hydria_server.domain.errors import FieldViolationError, NameInvalidError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.lineage import Direction, EdgeKind, NewEdge, RunId, VersionNode
from hydria_server.domain.openlineage import (
    DATASET_TYPE,
    Dataset,
    RunEvent,
    collection_name,
)
from hydria_server.domain.records import CollectionRecord, EntityRecord, VersionRecord
from hydria_server.domain.refs import ByNumber, CollectionName, parse_ref
from hydria_server.domain.roles import Role
from hydria_server.domain.runs import RunRecord
from hydria_server.services.commit import CommitRequest, checked_words, hash_of
from hydria_server.services.history import History
from hydria_server.services.openlineage.contents import Contents, is_written, output_version
from hydria_server.services.openlineage.documents import identity_of, metadata_of
from hydria_server.services.publication import Publication
from hydria_server.services.sessions import NewUpload, UploadSessions
from hydria_server.services.small_versions import index_chunks
from hydria_server.storage.metadata.interface import Rows

_INPUTS_LOOKED_AT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Making:
    """What versions are made of, and for whom."""

    sessions: UploadSessions
    entity: EntityRecord
    contents: Contents
    stored: dict[bytes, StoredChunk]  # made durable for this batch
    clock: Callable[[], int]
    actor: str
    role: Role


@dataclass(slots=True)
class ToldDatasets:
    """Records inputs and outputs, in one transaction; counts the edges that are new."""

    rows: Rows
    making: Making
    history: History
    edge_count: int = 0
    _seen: set[tuple[int, EdgeKind, bytes]] = field(default_factory=set)
    _inputs: dict[int, set[int]] = field(default_factory=dict)  # collections, by run

    async def tell(self, event: RunEvent, run: RunRecord) -> None:
        """Record what an event says that a run used and logged."""
        for dataset in event.inputs:
            if self._is_new(run, EdgeKind.USED, identity_of(dataset, dataset.version)):
                await self._use(run, dataset)
        for dataset in event.outputs:
            version = output_version(event, dataset)
            if is_written(event, dataset) and self._is_new(
                run, EdgeKind.LOGGED, identity_of(dataset, version)
            ):
                await self._log(run, dataset, version)

    def _is_new(self, run: RunRecord, kind: EdgeKind, identity: bytes) -> bool:
        key = (run.id, kind, identity)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    async def _use(self, run: RunRecord, dataset: Dataset) -> None:
        ours = await self._ours(dataset)
        if ours is not None:
            await self._record(EdgeKind.USED, run, ours, requested_ref=dataset.ref)
            return
        collection = await self._collection(run, dataset)
        if not dataset.version and collection is not None:
            if collection.id in await self._used_collections(run):
                return  # which version it was is settled, and another time it may look otherwise
            newest = await self.rows.versions.highest(collection.id)
            if newest is not None:
                await self._record(EdgeKind.USED, run, newest)
                return
        version = await self._found_or_made(run, dataset, dataset.version, collection)
        await self._record(EdgeKind.USED, run, version)

    async def _log(self, run: RunRecord, dataset: Dataset, version: str) -> None:
        ours = await self._ours(dataset)
        if ours is not None and ours.entity == run.entity:
            await self._record(EdgeKind.LOGGED, run, ours)
            return
        collection = await self._collection(run, dataset)
        made = await self._found_or_made(run, dataset, version, collection, is_logged=True)
        await self._record(EdgeKind.LOGGED, run, made)

    async def _ours(self, dataset: Dataset) -> VersionNode | None:
        """Return the version of this store that a dataset names, deleted or not."""
        if not dataset.is_ours:
            return None
        try:
            ref = parse_ref(dataset.ref, field="name")
        except (FieldViolationError, NameInvalidError):
            return None
        if not isinstance(ref.selector, ByNumber):
            return None
        name = ref.name
        found = await self.rows.edges.remembered_version(
            name.entity, name.project, name.collection, ref.selector.number
        )
        is_other = found and dataset.digest and format_digest(found.digest) != dataset.digest
        return None if is_other else found

    async def _collection(self, run: RunRecord, dataset: Dataset) -> CollectionRecord | None:
        """Return the collection of a dataset elsewhere, also under the name that it has now."""
        name = collection_name(dataset.namespace, dataset.name)
        return await self.rows.names.collection(run.entity, run.project, name)

    async def _used_collections(self, run: RunRecord) -> set[int]:
        if run.id not in self._inputs:
            edges = await self.rows.edges.of_node(
                RunId(run.id),
                Direction.UPSTREAM,
                (EdgeKind.USED,),
                after_id=0,
                limit=_INPUTS_LOOKED_AT,
            )
            nodes = await self.rows.edges.version_nodes({edge.version_id for edge in edges})
            self._inputs[run.id] = {node.collection_id for node in nodes.values()}
        return self._inputs[run.id]

    async def _found_or_made(
        self,
        run: RunRecord,
        dataset: Dataset,
        version: str,
        collection: CollectionRecord | None,
        *,
        is_logged: bool = False,
    ) -> VersionRecord:
        content = self.making.contents[identity_of(dataset, version)]
        if collection is not None:
            found = await self.rows.versions.by_digest(collection.id, content.manifest.digest)
            if found is not None:
                return found
        name = CollectionName(
            run.entity,
            collection.project if collection else run.project,
            collection.name if collection else collection_name(dataset.namespace, dataset.name),
        )
        logged_by = run.ref if is_logged else ""
        return await self._make(name, dataset, version, logged_by)

    async def _make(
        self, name: CollectionName, dataset: Dataset, version: str, run_ref: str
    ) -> VersionRecord:
        making = self.making
        content = making.contents[identity_of(dataset, version)]
        upload = await making.sessions.begin(
            self.rows, NewUpload(name, DATASET_TYPE), entity=making.entity
        )
        stored = [making.stored[each] for each in content.chunks if each in making.stored]
        known = {each for each in content.chunks if each not in making.stored}
        await index_chunks(self.rows, upload, stored, known)
        words = checked_words(
            CommitRequest(
                description=f"{dataset.name} at {dataset.namespace}".replace("\0", "?"),
                metadata_json=metadata_of(dataset, version),
                run_ref=run_ref,
            )
        )
        publication = Publication(
            upload.upload_id,
            content.manifest,
            None,
            words,
            making.actor,
            making.role,
            making.clock(),
            hash_of(words),
        )
        self.edge_count += bool(run_ref)
        return (await publication.publish(self.rows, upload))[1]

    async def _record(
        self,
        kind: EdgeKind,
        run: RunRecord,
        version: VersionRecord | VersionNode,
        *,
        requested_ref: str = "",
    ) -> None:
        """Record an edge; that of a version that was just logged is there already."""
        edge = NewEdge(
            kind,
            version.id,
            self.making.clock(),
            version.ref,
            run_id=run.id,
            requested_ref=requested_ref or (version.ref if kind is EdgeKind.USED else ""),
        )
        if kind is EdgeKind.USED:
            (await self._used_collections(run)).add(version.collection_id)
        if await self.rows.edges.insert([edge]):
            is_use = kind is EdgeKind.USED
            event = EventType.VERSION_USED if is_use else EventType.VERSION_LOGGED
            self.history.add_edge(event, version, {"run": run.ref})
            self.edge_count += 1
