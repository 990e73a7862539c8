"""All rows of the database, within one transaction on one connection."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.records import EventRecord, StoreInfo
from hydria_server.storage.metadata.alias_history import SqlAliasHistory
from hydria_server.storage.metadata.aliases import SqlAliases
from hydria_server.storage.metadata.chunks import SqlChunks
from hydria_server.storage.metadata.deployments import SqlDeployments
from hydria_server.storage.metadata.edges import SqlEdges
from hydria_server.storage.metadata.event_queries import SqlEventQueries
from hydria_server.storage.metadata.events import SqlEvents
from hydria_server.storage.metadata.links import SqlLinks
from hydria_server.storage.metadata.listings import SqlListings
from hydria_server.storage.metadata.metrics import SqlMetrics
from hydria_server.storage.metadata.names import SqlNames
from hydria_server.storage.metadata.protections import SqlProtections
from hydria_server.storage.metadata.registries import SqlRegistries
from hydria_server.storage.metadata.runs import SqlRuns
from hydria_server.storage.metadata.search import SqlSearch
from hydria_server.storage.metadata.staging import SqlStaging
from hydria_server.storage.metadata.tables import STORE
from hydria_server.storage.metadata.uploads import SqlUploads
from hydria_server.storage.metadata.versions import SqlVersions
from hydria_server.storage.metadata.webhooks import SqlWebhooks

_INFO = select(STORE.c.store_id, STORE.c.epoch, STORE.c.digest_function)


class SqlStore:
    """The row of the store itself, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def info(self) -> StoreInfo:
        return StoreInfo(*(await self._connection.execute(_INFO)).one())


class SqlRows:
    """The families of rows, each made where it is asked for: they keep nothing.

    `recorded` are the events that the transaction wrote, by entity, for those who wait for them.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.recorded: list[tuple[int, list[EventRecord]]] = []

    @property
    def store(self) -> SqlStore:
        return SqlStore(self._connection)

    @property
    def names(self) -> SqlNames:
        return SqlNames(self._connection)

    @property
    def versions(self) -> SqlVersions:
        return SqlVersions(self._connection)

    @property
    def aliases(self) -> SqlAliases:
        return SqlAliases(self._connection)

    @property
    def events(self) -> SqlEvents:
        return SqlEvents(self._connection, self.recorded)

    @property
    def event_queries(self) -> SqlEventQueries:
        return SqlEventQueries(self._connection)

    @property
    def uploads(self) -> SqlUploads:
        return SqlUploads(self._connection)

    @property
    def staging(self) -> SqlStaging:
        return SqlStaging(self._connection)

    @property
    def chunks(self) -> SqlChunks:
        return SqlChunks(self._connection)

    @property
    def listings(self) -> SqlListings:
        return SqlListings(self._connection)

    @property
    def registries(self) -> SqlRegistries:
        return SqlRegistries(self._connection)

    @property
    def links(self) -> SqlLinks:
        return SqlLinks(self._connection)

    @property
    def search(self) -> SqlSearch:
        return SqlSearch(self._connection)

    @property
    def webhooks(self) -> SqlWebhooks:
        return SqlWebhooks(self._connection)

    @property
    def alias_history(self) -> SqlAliasHistory:
        return SqlAliasHistory(self._connection)

    @property
    def protections(self) -> SqlProtections:
        return SqlProtections(self._connection)

    @property
    def deployments(self) -> SqlDeployments:
        return SqlDeployments(self._connection)

    @property
    def runs(self) -> SqlRuns:
        return SqlRuns(self._connection)

    @property
    def metrics(self) -> SqlMetrics:
        return SqlMetrics(self._connection)

    @property
    def edges(self) -> SqlEdges:
        return SqlEdges(self._connection)
