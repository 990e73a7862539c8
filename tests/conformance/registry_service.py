"""What the registry service must do, through the wire, on whatever stores it stands.

Tests share a server; each has a team, an entity of its own. The families have a file each.
"""

from __future__ import annotations

import pytest

from tests.conformance.alias_history import AliasHistoryContract
from tests.conformance.alias_protection import AliasProtectionContract
from tests.conformance.registry_deployments import DeploymentsContract
from tests.conformance.registry_events import EventsContract
from tests.conformance.registry_links import LinksContract
from tests.conformance.registry_reading import LinkReadingContract
from tests.conformance.registry_registries import RegistriesContract
from tests.conformance.registry_search import SearchContract
from tests.conformance.registry_watching import WatchContract
from tests.conformance.registry_webhooks import WebhooksContract
from tests.servers import Server
from tests.teams import Team


class RegistryServiceContract(
    RegistriesContract,
    LinksContract,
    LinkReadingContract,
    EventsContract,
    WatchContract,
    SearchContract,
    WebhooksContract,
    AliasHistoryContract,
    AliasProtectionContract,
    DeploymentsContract,
):
    """Inherited by a test class that has the fixture `server`."""

    @pytest.fixture
    def team(self, server: Server) -> Team:
        return Team.new(server)
