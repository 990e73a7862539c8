"""What the registry service must do, through the wire, on whatever stores it stands.

Tests share a server; each has a team, an entity of its own. The families have a file each.
"""

from __future__ import annotations

import pytest

from tests.conformance.alias_history import AliasHistoryContract
from tests.conformance.alias_protection import AliasProtectionContract
from tests.conformance.registry_links import LinksContract
from tests.conformance.registry_reading import LinkReadingContract
from tests.conformance.registry_registries import RegistriesContract
from tests.servers import Server
from tests.teams import Team


class RegistryServiceContract(
    RegistriesContract,
    LinksContract,
    LinkReadingContract,
    AliasHistoryContract,
    AliasProtectionContract,
):
    """Inherited by a test class that has the fixture `server`."""

    @pytest.fixture
    def team(self, server: Server) -> Team:
        return Team.new(server)
