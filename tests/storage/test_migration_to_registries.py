"""A database of the release before registries is brought up to date, with all that it holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hydria_server.domain.names import MODEL_REGISTRY
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.storage.old_databases import migrate_file

OLD_ROWS = """
INSERT INTO domain VALUES (1, x'00000000000000000000000000000000');
INSERT INTO entity VALUES (5, 'acme', 1, 3, 30, 7);
INSERT INTO project VALUES (8, 5, 'vision', 1, NULL, 8);
INSERT INTO collection VALUES (9, 8, 'cats', 'dataset', 1, 2, 1, 1, 9, 9, NULL, '');
INSERT INTO version VALUES
    (11, 9, 8, 1, 1, zeroblob(32), 1, 2, 1, 10, 10, NULL, 'u', 8, 'what', '{"a": 1}');
INSERT INTO version_tag VALUES (11, 'gold', 9);
INSERT INTO alias VALUES (9, 'latest', 11, 10);
"""


@pytest.fixture
def old_database(tmp_path: Path) -> Path:
    """Return a database as the release before registries left it."""
    path = tmp_path / "meta.db"
    migrate_file(path, to="0001")
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD_ROWS)
    connection.close()
    return path


async def test_what_was_there_is_there_and_every_entity_has_its_model_registry(
    old_database: Path,
) -> None:
    store = await SqlMetadataStore.open(old_database)
    version = await store.read(
        lambda rows: rows.versions.resolve_alias("acme", "vision", "cats", "latest")
    )
    project = await store.read(lambda rows: rows.names.project("acme", MODEL_REGISTRY))
    assert project is not None
    registry = await store.read(lambda rows: rows.registries.by_id(project.id))
    await store.close()

    assert version is not None
    assert (version.id, version.number, version.source) == (11, 1, None)
    assert (version.description, version.metadata_json) == ("what", '{"a": 1}')
    assert (version.tags, version.aliases) == (("gold",), ("latest",))
    assert (registry.created_at_us, registry.collection_count) == (7, 0)


async def test_ids_go_on_where_they_were(old_database: Path) -> None:
    store = await SqlMetadataStore.open(old_database)
    made = await store.write(lambda rows: rows.names.create_project(5, "audio", now_us=1))
    await store.close()

    assert made == 10, "after the project 8 and the registry 9"
