"""A server and a client for each test, and a line between them that can be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.options import TransferOptions
from tests.client.lines import Line
from tests.servers import Server, disk_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with disk_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
async def client(server: Server, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(
        server.address, entity="team", project="birds", cache_dir=tmp_path / "cache"
    ) as opened:
        yield opened


@pytest.fixture
async def line(server: Server) -> AsyncIterator[Line]:
    async with Line.to(server.address) as opened:
        yield opened


@pytest.fixture
async def client_on_line(line: Line, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(
        line.address,
        entity="team",
        project="birds",
        cache_dir=tmp_path / "cache",
        options=TransferOptions(retry_seconds=20),
    ) as opened:
        yield opened
