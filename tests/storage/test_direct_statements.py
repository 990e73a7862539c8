"""Statements that go to the driver as they are: they fail as all others do, and share hops."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.domain.lineage import Direction, VersionId
from hydria_server.domain.traversal import EdgeFilter, EdgeQuestion
from hydria_server.storage.metadata import direct
from hydria_server.storage.metadata.driver import OneHopConnection
from hydria_server.storage.metadata.interface import EdgeQuestions, Rows
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


@pytest.mark.parametrize(("rows_per_hop", "hops"), [(1_000, 1), (1, 4)])
async def test_questions_share_a_hop_until_there_were_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_per_hop: int, hops: int
) -> None:
    taken = 0
    hop = OneHopConnection.hop

    async def counted(
        self: OneHopConnection, function: Callable[[sqlite3.Connection], None]
    ) -> None:
        nonlocal taken
        taken += 1
        await hop(self, function)

    def asked_twice() -> EdgeQuestions[int]:
        found = 0
        for number in (1, 2):  # each has two look-ups: of runs that used it, and of derivatives
            found += len((yield EdgeQuestion([VersionId(number)], Direction.DOWNSTREAM, 9)))
        return found

    async def look(rows: Rows) -> int:
        return await rows.edges.answer(asked_twice(), EdgeFilter(), up_to_id=9)

    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    try:
        monkeypatch.setattr(OneHopConnection, "hop", counted)
        monkeypatch.setattr(direct, "ROWS_PER_HOP", rows_per_hop)
        assert await store.read(look) == 0
    finally:
        await store.close()
    assert taken == hops
