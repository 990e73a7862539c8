"""Statements that go to the driver as they are fail as all others do."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.given import a_line, a_version


async def test_a_database_that_cannot_be_read_is_said_to_be_unusable(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    store = await SqlMetadataStore.open(path)

    async def make(rows: Rows) -> int:
        return (await a_version(rows, (await a_line(rows)).collection_id)).id

    version_id = await store.write(make)
    await store.close()
    store = await SqlMetadataStore.open(path)
    page_bytes = 4096
    path.write_bytes(path.read_bytes()[:page_bytes] + b"\xff" * (path.stat().st_size - page_bytes))
    try:
        with pytest.raises(StorageUnavailableError):
            await store.read(lambda rows: rows.edges.version_nodes([version_id]))
    finally:
        await store.close()
