"""A database of the release before searches: the leaves of its metadata are filled in."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from hydria_server.domain.filters import OrderTerm, Query
from hydria_server.services.filter_parsing import parse_filter
from hydria_server.services.listings import VERSION_FIELDS
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.storage.old_databases import migrate_file

COUNT = 65  # more than the migration reads at once


def old_database(path: Path) -> None:
    """Make a database as the release before searches left it."""
    migrate_file(path, to="0002")
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            INSERT INTO domain VALUES (1, x'00000000000000000000000000000000');
            INSERT INTO entity VALUES (5, 'acme', 1, 3, 30, 7);
            INSERT INTO project (id, entity_id, name, kind, created_at_us)
                VALUES (8, 5, 'vision', 1, 8);
            INSERT INTO collection VALUES (9, 8, 'cats', 'dataset', 1, 99, 65, 1, 9, 9, NULL, '');
            """
        )
        for number in range(COUNT):
            metadata = json.dumps({"n": number, "deep": {"a.b": [number, "x"]}} if number else {})
            connection.execute(
                "INSERT INTO version (id, collection_id, project_id, number, state, digest,"
                " file_count, size_bytes, revision, created_at_us, updated_at_us, upload_id,"
                " metadata_bytes, description, metadata_json) VALUES"
                " (?, 9, 8, ?, 1, zeroblob(32), 1, 2, 1, ?, ?, 'u', ?, '', ?)",
                (number + 1, number, number, number, len(metadata), metadata),
            )
    connection.close()


async def test_versions_that_were_there_are_found_by_their_metadata(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    old_database(path)
    store = await SqlMetadataStore.open(path)

    async def numbers(text: str) -> list[int]:
        query = Query(parse_filter(text, VERSION_FIELDS), (OrderTerm("version"),), None, 1000)
        page = await store.read(lambda rows: rows.search.versions(5, query))
        return [version.number for version in page.items]

    assert await numbers("metadata.n:*") == list(range(1, COUNT))
    assert await numbers("metadata.n >= 63") == [63, 64]
    assert await numbers('metadata.deep."a.b" = 40') == [40]
    assert await numbers("NOT metadata.deep:*") == [0]
    await store.close()
