"""What every metadata store must do: one test for each sentence of its interface."""

from __future__ import annotations

from tests.conformance.metadata.chunks import ChunksContract
from tests.conformance.metadata.edges import EdgeRowsContract
from tests.conformance.metadata.event_queries import EventQueriesContract
from tests.conformance.metadata.history import HistoryContract
from tests.conformance.metadata.lineage import LineageRowsContract
from tests.conformance.metadata.listings import ListingsContract
from tests.conformance.metadata.look_ups import LookUpsContract
from tests.conformance.metadata.names import NamesContract
from tests.conformance.metadata.protections import ProtectionsContract
from tests.conformance.metadata.registries import RegistriesContract
from tests.conformance.metadata.search import SearchContract
from tests.conformance.metadata.transactions import TransactionsContract
from tests.conformance.metadata.uploads import UploadsContract
from tests.conformance.metadata.version_uses import UsesOfVersionsContract
from tests.conformance.metadata.versions import VersionsContract
from tests.conformance.metadata.webhooks import WebhooksContract


class MetadataStoreContract(
    TransactionsContract,
    NamesContract,
    VersionsContract,
    LookUpsContract,
    HistoryContract,
    EventQueriesContract,
    UploadsContract,
    ChunksContract,
    ListingsContract,
    SearchContract,
    RegistriesContract,
    WebhooksContract,
    ProtectionsContract,
    LineageRowsContract,
    EdgeRowsContract,
    UsesOfVersionsContract,
):
    """Inherit it, and give a fixture `store`: a new, empty metadata store."""
