"""What tests of the services share."""

from __future__ import annotations

import pytest_asyncio

from tests.conformance.artifact_lists import fill
from tests.servers import Server
from tests.teams import Team


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(server: Server) -> Team:
    """Return a team with a project that tests only read; `server` is that of their module."""
    team = Team.new(server)
    await fill(team)
    return team
