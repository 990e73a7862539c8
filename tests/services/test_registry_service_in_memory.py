"""The registry service on stores in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.clocks import ManualClock
from tests.conformance.registry_service import RegistryServiceContract
from tests.servers import Server, memory_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(clock: ManualClock) -> AsyncIterator[Server]:
    async with memory_server(clock=clock) as server:
        yield server


class TestRegistryServiceInMemory(RegistryServiceContract):
    pass
