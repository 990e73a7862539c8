"""The contract of a metadata store: rows, read and written in transactions.

The rules live in the services; what is here keeps rows and the constraints between them. A
transaction is one async function that gets `Rows`; it may run more than once only if the backend
says that nothing of it was kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from hydria_server.domain.records import EventRecord
from hydria_server.storage.metadata.alias_history_rows import AliasHistoryRows
from hydria_server.storage.metadata.catalog_rows import (
    AliasRows,
    ListingRows,
    NameRows,
    VersionLookUps,
    VersionRows,
)
from hydria_server.storage.metadata.deployment_rows import DeploymentRows
from hydria_server.storage.metadata.engine_rows import (
    ChunkRows,
    EventRows,
    IndexedChunk,
    StagingRows,
    StoreRows,
    UploadRows,
)
from hydria_server.storage.metadata.event_query_rows import EventQueryRows
from hydria_server.storage.metadata.lineage_rows import EdgeQuestions, EdgeRows, MetricRows, RunRows
from hydria_server.storage.metadata.protection_rows import ProtectionRows
from hydria_server.storage.metadata.registry_rows import LinkRows, RegistryRows
from hydria_server.storage.metadata.search_rows import SearchRows
from hydria_server.storage.metadata.webhook_rows import WebhookRows

__all__ = [
    "AliasHistoryRows",
    "AliasRows",
    "ChunkRows",
    "DeploymentRows",
    "EdgeQuestions",
    "EdgeRows",
    "EventQueryRows",
    "EventRows",
    "IndexedChunk",
    "LinkRows",
    "ListingRows",
    "MetadataStore",
    "MetricRows",
    "NameRows",
    "OnEvents",
    "ProtectionRows",
    "RegistryRows",
    "Rows",
    "RunRows",
    "SearchRows",
    "StagingRows",
    "StoreRows",
    "UploadRows",
    "VersionLookUps",
    "VersionRows",
    "WebhookRows",
]

T = TypeVar("T")
OnEvents = Callable[[int, Sequence[EventRecord]], None]


class Rows(Protocol):
    """All rows, within one transaction."""

    @property
    def store(self) -> StoreRows: ...
    @property
    def names(self) -> NameRows: ...
    @property
    def versions(self) -> VersionRows: ...
    @property
    def aliases(self) -> AliasRows: ...
    @property
    def events(self) -> EventRows: ...
    @property
    def event_queries(self) -> EventQueryRows: ...
    @property
    def uploads(self) -> UploadRows: ...
    @property
    def staging(self) -> StagingRows: ...
    @property
    def chunks(self) -> ChunkRows: ...
    @property
    def listings(self) -> ListingRows: ...
    @property
    def registries(self) -> RegistryRows: ...
    @property
    def links(self) -> LinkRows: ...
    @property
    def search(self) -> SearchRows: ...
    @property
    def webhooks(self) -> WebhookRows: ...
    @property
    def alias_history(self) -> AliasHistoryRows: ...
    @property
    def protections(self) -> ProtectionRows: ...
    @property
    def deployments(self) -> DeploymentRows: ...
    @property
    def runs(self) -> RunRows: ...
    @property
    def metrics(self) -> MetricRows: ...
    @property
    def edges(self) -> EdgeRows: ...


class MetadataStore(Protocol):
    """Transactions over rows.

    - A write is all or nothing, durable when it returns, and serialized with other writes.
    - Writes take turns in the order of asking. Who is cancelled while waiting has begun nothing.
    - What has begun runs in a task of its own: a cancelled caller does not decide whether it
      happened, and `close` waits for it.
    - A read sees one consistent snapshot, and returns materialised values: none stays open.
    - A look-up is a read, too, of one statement: what a transaction would cost beside, it spares.
    """

    @property
    def look_ups(self) -> VersionLookUps:
        """Each sees all that was committed before it was called; errors as of `read`."""
        ...

    async def read(self, work: Callable[[Rows], Awaitable[T]]) -> T:
        """Run `work` on a snapshot. Writing in it is an error.

        Raises:
            StorageUnavailableError: the database cannot be read, or is closed.
        """
        ...

    async def write(self, work: Callable[[Rows], Awaitable[T]]) -> T:
        """Run `work` and commit; on any exception of it, roll back and raise that.

        Raises:
            StorageFullError: the disk is full; nothing was kept.
            StorageUnavailableError: the database cannot be written, or is closed; nothing of it is
                to be seen. After an error of the disk no write is taken any more.
        """
        ...

    def on_events(self, tell: OnEvents) -> None:
        """Call `tell` with an entity's id and its new events, right after each commit of such.

        In the order of the commits, on the loop, and only for writes of this very store: what other
        processes write is found by reading. What it raises is logged, and changes nothing.
        """
        ...

    async def close(self) -> None:
        """Wait for writes in progress, then let go. Idempotent."""
        ...
