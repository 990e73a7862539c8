"""A link is read in the domain of its source, also where that is a restricted project's own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hydria_server.domain.records import VersionRecord
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.given import a_line, a_version
from tests.conformance.metadata.registries import a_link

RESTRICT = """
INSERT INTO domain (id, key) VALUES (77, zeroblob(16));
UPDATE project SET domain_id = 77 WHERE name = 'vision';
"""


async def linked(rows: Rows) -> VersionRecord:
    line = await a_line(rows)
    return await a_link(rows, await a_version(rows, line.collection_id))


async def test_the_domain_of_a_link_is_that_of_its_source(tmp_path: Path) -> None:
    store = await SqlMetadataStore.open(tmp_path / "meta.db")
    link = await store.write(linked)
    with sqlite3.connect(tmp_path / "meta.db") as connection:
        connection.executescript(RESTRICT)
    connection.close()

    domain = await store.read(lambda rows: rows.versions.domain(link.id))
    await store.close()

    assert domain.id == 77
