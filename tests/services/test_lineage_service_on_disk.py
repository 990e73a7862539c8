"""The lineage service on SQLite and local disk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.clocks import ManualClock
from tests.conformance.lineage_service import LineageServiceContract
from tests.servers import Server, disk_server

# The rules are those of the suite in memory; each backend has its own contract in `make test`.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    clock: ManualClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    async with disk_server(tmp_path_factory.mktemp("data"), clock=clock) as server:
        yield server


class TestLineageServiceOnDisk(LineageServiceContract):
    pass
