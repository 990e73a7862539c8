"""The contract of a metadata store, kept by SQLite in a file and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hydria_server.storage.metadata.interface import MetadataStore
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata_store import MetadataStoreContract


class TestMetadataInAFile(MetadataStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[MetadataStore]:
        store = await SqlMetadataStore.open(tmp_path / "meta.db")
        yield store
        await store.close()


@pytest.mark.slow  # the same statements, on which all suites of the services run, too
class TestMetadataInMemory(MetadataStoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MetadataStore]:
        store = await SqlMetadataStore.open_in_memory()
        yield store
        await store.close()
