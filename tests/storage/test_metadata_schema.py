"""The schema: migrations make what the tables say, and hot statements find what they need."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from hydria_server.domain.alias_records import AliasHistoryQuery
from hydria_server.domain.chunks import ChunkState
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.filters import (
    And,
    Comparison,
    LeafComparison,
    LeafPattern,
    LeafPresence,
    Not,
    Operator,
    Or,
    OrderTerm,
    Query,
)
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.leaves import leaves_of
from hydria_server.domain.links import NewLink
from hydria_server.domain.records import AliasMove, EventDraft, UploadState
from hydria_server.storage.metadata import (
    alias_history,
    aliases,
    chunks,
    events,
    leaves,
    links,
    names,
    protections,
    registries,
    staging,
    tables,
    uploads,
    version_look_ups,
    versions,
)
from hydria_server.storage.metadata.dialect import insert
from hydria_server.storage.metadata.engine import shared_engine
from hydria_server.storage.metadata.engine_tables import CHUNK
from hydria_server.storage.metadata.interface import IndexedChunk, Rows
from hydria_server.storage.metadata.migration import (
    MIGRATIONS,
    PARTS,
    NewerSchemaError,
    migrate,
    newest,
    upgrade,
)
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.given import (
    UPLOAD,
    a_chunk,
    a_digest,
    a_line,
    a_run,
    a_shard,
    a_version,
    an_upload,
)

DOCUMENT = '{"a": [1], "b": {"c": "x"}}'


@contextmanager
def new_database() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_migrations_make_what_the_tables_say() -> None:
    assert {Path(str(part.__file__)).name for part in PARTS} == {
        path.name for path in Path(str(tables.__file__)).parent.glob("*tables.py")
    }, "every part of the schema is loaded"
    with new_database() as connection:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.METADATA) == []


def test_a_new_database_is_to_the_letter_what_migrations_make() -> None:
    """Alembic compares no CHECK, no WITHOUT ROWID and no WHERE of an index; their text does."""
    with new_database() as connection:
        migrate(connection)
        migrated, columns = statements_of(connection), columns_of(connection)
    with new_database() as connection:
        assert upgrade(connection) is True
        assert statements_of(connection) == migrated
        assert columns_of(connection) == columns
        assert MigrationContext.configure(connection).get_current_heads() == (newest(),)


def test_the_newest_migration_is_the_one_that_the_names_of_files_say() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [newest()]


def columns_of(connection: Connection) -> Mapping[str, list[str]]:
    """Return the columns of each table, in their order."""
    inspector = inspect(connection)
    return {
        name: [column["name"] for column in inspector.get_columns(name)]
        for name in inspector.get_table_names()
    }


def statements_of(connection: Connection) -> Mapping[str, set[str]]:
    """Return the parts of the statements that made each table and index."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {
        # A table that was made anew and renamed has its name in quotes.
        name: {part.strip(" ,\t").replace('"', "") for part in sql.split("\n")}
        for name, sql in rows
        if not name.startswith("sqlite_")
    }


@pytest.mark.parametrize("make", [upgrade, migrate])
def test_a_database_that_is_up_to_date_is_left_as_it_is(
    make: Callable[[Connection], object],
) -> None:
    with new_database() as connection:
        make(connection)
        before = statements_of(connection)

        assert upgrade(connection) is False
        assert statements_of(connection) == before


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    await (await SqlMetadataStore.open(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(NewerSchemaError, match="newer release"):
        await SqlMetadataStore.open(path)

    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    path.write_bytes(b"a letter to a friend\n" * 500)

    with pytest.raises(StorageUnavailableError):
        await SqlMetadataStore.open(path)

    assert path.read_bytes() == b"a letter to a friend\n" * 500


async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailableError):
        await SqlMetadataStore.open(tmp_path / "nowhere" / "meta.db")


async def test_a_path_with_signs_that_mean_something_elsewhere_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "50% off? [a] #1 %(here)s"
    folder.mkdir()

    store = await SqlMetadataStore.open(folder / "meta.db")
    await store.close()

    assert (folder / "meta.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("forbidden", "statement"),
    [
        ("two versions with one number", "UPDATE version SET number = 0 WHERE id = 2"),
        ("an alias to another collection's version", "UPDATE alias SET version_id = 3"),
        ("two live collections with one name", "UPDATE collection SET name = 'cats'"),
        ("a tag of another collection", "UPDATE version_tag SET collection_id = 2"),
        ("a second store", "INSERT INTO store VALUES (2, 'x', 1, 1)"),
        ("a version of nothing", "UPDATE version SET collection_id = 9 WHERE id = 1"),
        ("one request, two uploads", "UPDATE upload SET request_id = 'r'"),
        ("two live links to one version", "UPDATE version SET collection_id = 3 WHERE id = 5"),
        ("a link to nothing", "UPDATE version SET source_version_id = 99 WHERE id = 4"),
        ("two live registries with one name", "UPDATE project SET name = 'registry-a'"),
        ("two open intervals", "UPDATE alias_interval SET to_time_us = NULL"),
    ],
)
async def test_the_database_itself_refuses(tmp_path: Path, forbidden: str, statement: str) -> None:
    path = tmp_path / "meta.db"
    store = await SqlMetadataStore.open(path)
    await store.write(fill)
    await store.close()

    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


async def fill(rows: Rows) -> None:
    """Make two collections, with two versions and one, an alias that moved, and two uploads."""
    cats, dogs = await a_line(rows), await a_line(rows, collection="dogs")
    versions_ = [await a_version(rows, cats.collection_id, tags=["a"]) for _ in range(2)]
    await a_version(rows, dogs.collection_id)
    for version in versions_:
        await rows.aliases.point(cats.collection_id, "best", version.id, now_us=1)
        move = AliasMove(cats.collection_id, "best", None, version.id)
        await rows.events.record(cats.entity.id, [], [move], actor="", now_us=1)
    models = [
        await rows.registries.create(
            cats.entity.id, f"registry-{name}", description="", types=(), now_us=1
        )
        for name in "ab"
    ]
    for at, project_id in enumerate(models):
        model = await rows.names.create_collection(project_id, "m", "dataset", now_us=1)
        await rows.links.insert(NewLink(model, at, versions_[0].id, 1))
    await rows.uploads.insert(an_upload(cats.entity, "u1", request_id="q"))
    await rows.uploads.insert(an_upload(cats.entity, "u2", request_id="r"))


async def test_a_condemned_chunk_is_not_live_until_it_is_put_again(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    store = await SqlMetadataStore.open(path)
    acme = await store.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))
    domain, new = acme.domain.id, a_chunk(1, offset=1)
    await store.write(lambda rows: rows.chunks.put(domain, [a_chunk(1)], epoch=3))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET state = 2, condemned_epoch = 4")

    found = await store.read(lambda rows: rows.chunks.find(domain, [new.digest]))
    live = await store.write(lambda rows: rows.chunks.touch(domain, [new.digest], epoch=4))
    await store.write(lambda rows: rows.chunks.put(domain, [new], epoch=4))
    again = await store.read(lambda rows: rows.chunks.find(domain, [new.digest]))
    condemned = connection.execute("SELECT condemned_epoch FROM chunk").fetchall()
    connection.close()
    await store.close()

    assert found[new.digest] == IndexedChunk(a_chunk(1), ChunkState.CONDEMNED, 3)
    assert live == set()
    assert again[new.digest] == IndexedChunk(new, ChunkState.LIVE, 4)
    assert condemned == [(None,)]


async def use_everything(rows: Rows) -> None:
    """Execute each statement of a transaction once, as small as it comes."""
    line = await a_line(rows)
    acme, cats, domain = line.entity, line.collection_id, line.entity.domain.id
    version = await a_version(
        rows, cats, tags=["a"], shards=[a_shard(1, "a", "b")], metadata_json=DOCUMENT
    )
    await rows.names.rename_collection(cats, "felines", now_us=1)
    await rows.names.collection("acme", "vision", "cats")
    await rows.names.update_collection(cats, description="", tags=["a"], now_us=1)
    await rows.names.collection_by_id(cats)
    await rows.aliases.point(cats, "best", version.id, now_us=1)
    await rows.aliases.of_collection(cats)
    await rows.versions.by_number(cats, 0)
    await rows.versions.by_alias(cats, "best")
    await rows.versions.by_digest(cats, a_digest(0))
    await rows.versions.highest(cats)
    await rows.versions.resolve_alias("acme", "vision", "felines", "best")
    await rows.versions.resolve_number("acme", "vision", "felines", 0)
    await rows.versions.update(
        version.id, description="", metadata_json=DOCUMENT, tags=["b"], now_us=1
    )
    await rows.versions.add_tags(version.id, ["c"], now_us=1)
    await rows.versions.live_ids(cats)
    await rows.versions.shards(version.id)
    await rows.versions.shards_between(version.id, first="a", last=None)
    await rows.versions.shards_between(version.id, first="a", last="b")
    await rows.versions.domain(version.id)
    for target in (version.id, None):
        move = AliasMove(cats, "best", None, target)
        draft = EventDraft(EventType.ALIAS_SET)
        await rows.events.record(acme.id, [draft], [move], actor="", now_us=1)
    await rows.events.after(acme.id, 0, limit=1)
    await rows.aliases.intervals(cats, "best")
    await rows.uploads.insert(an_upload(acme, request_id="r"))
    await rows.uploads.get(UPLOAD)
    await rows.uploads.by_request_id(acme.id, "r")
    await rows.uploads.count_open(acme.id)
    await rows.uploads.renew(UPLOAD, expires_at_us=1)
    await rows.staging.add(UPLOAD, [a_run()])
    await rows.staging.last_seq(UPLOAD, "")
    await rows.staging.runs(UPLOAD)
    await rows.staging.mark_resolved([1])
    await rows.staging.writers(UPLOAD)
    await rows.staging.clear(UPLOAD)
    await rows.uploads.end(UPLOAD, UploadState.ABORTED)
    await rows.uploads.expire_due(now_us=1)
    await rows.chunks.put(domain, [a_chunk(1)], epoch=1)
    await rows.chunks.find(domain, [a_digest(1)])
    await rows.chunks.touch(domain, [a_digest(1)], epoch=2)
    await rows.chunks.mark_corrupt(domain, a_chunk(1))
    await rows.chunks.remember_verified(domain, [(a_digest(1), a_digest(1))])
    await rows.chunks.verified_files(domain, [(a_digest(1), a_digest(1))])
    await use_lists(rows, line.entity.id, line.project_id, cats)
    await use_searches(rows, line.entity.id)
    await use_links(rows, acme.id, version.id)
    await rows.versions.mark_deleted([version.id], now_us=1)
    await rows.aliases.remove(cats, "best")
    await rows.names.delete_collection(cats, now_us=1)


async def use_links(rows: Rows, entity_id: int, version_id: int) -> None:
    made = await rows.registries.create(
        entity_id, "registry-a", description="", types=["t"], now_us=1
    )
    await rows.registries.rename(made, "registry-b", now_us=1)
    await rows.names.project("acme", "registry-a")
    await rows.registries.update(made, description="", types=["u"], now_us=1)
    await rows.registries.by_id(made)
    model = await rows.names.create_collection(
        made, "m", "u", now_us=1, kind=CollectionKind.PORTFOLIO
    )
    await rows.names.collection("acme", "registry-a", "m")
    link = await rows.links.insert(NewLink(model, 0, version_id, 1))
    await rows.links.live(model, version_id)
    await rows.links.ids_of_version(version_id)
    await rows.links.ids_of_collection(link.collection_id)
    await rows.registries.types_in_use(made)
    await rows.registries.collection_ids(made)
    newest, by_name = (OrderTerm("created_at", True),), (OrderTerm("name"),)
    restricted = Comparison("type", Operator.HAS, "u")
    for filter_ in (None, Comparison("tag", Operator.HAS, "a")):
        await rows.links.page(version_id, Query(filter_, newest, (9, 9), 1))
    for filter_ in (None, restricted):
        await rows.registries.page(entity_id, Query(filter_, by_name, ("a", 9), 1))
    await use_protections(rows, made, model, version_id)
    await rows.registries.delete(made, now_us=1)


async def use_searches(rows: Rows, entity_id: int) -> None:
    """Search by each kind of condition, and in each kind of order."""
    newest, by_value = OrderTerm("created_at", True), OrderTerm("metadata", path="a")
    one = leaves_of(DOCUMENT)[-1]
    for filter_ in (
        None,
        LeafComparison(one.path, Operator.EQ, one.key),
        And(
            (
                LeafComparison(one.path, Operator.GT, one.key),
                LeafComparison(one.path, Operator.LT, one.key),
            )
        ),
        Or((LeafPattern("a", "x*"), LeafPresence("b"), Comparison("tag", Operator.EQ, "a"))),
        Comparison("size_bytes", Operator.GT, 5),
        Comparison("updated_at", Operator.GT, 5),
        Comparison("version", Operator.EQ, 0),
        Comparison("state", Operator.EQ, "DELETED"),
        Comparison("type", Operator.EQ, "dataset"),
        Not(LeafPresence("a")),
    ):
        for order, after in (((newest,), (9, 9)), ((by_value,), ("30", 9))):
            await rows.search.versions(entity_id, Query(filter_, order, after, 1))
    for term in (Comparison("tag", Operator.EQ, "a"), Comparison("type", Operator.EQ, "dataset")):
        await rows.search.collections(entity_id, Query(term, (OrderTerm("name"),), ("a", 9), 1))


async def use_protections(rows: Rows, project_id: int, model_id: int, version_id: int) -> None:
    for collection_id in (None, model_id):
        await rows.protections.add(project_id, collection_id, ["best"])
        await rows.protections.of(project_id, collection_id)
    await rows.protections.held_by_version(version_id)
    await rows.protections.held_in_collection(model_id)
    await rows.protections.remove(project_id, model_id, ["best"])
    for alias, as_of_us in ((None, None), ("best", None), (None, 5), ("best", 5)):
        await rows.alias_history.page(AliasHistoryQuery(model_id, alias, as_of_us, (9, "z"), 1))
    await rows.alias_history.holder_at(model_id, "best", 5)
    for live in (True, False):
        await rows.alias_history.last_holder(model_id, "best", other_than=None, live=live)


async def use_lists(rows: Rows, entity_id: int, project_id: int, collection_id: int) -> None:
    newest, by_name = (OrderTerm("created_at", True),), (OrderTerm("name"),)
    tagged = Comparison("tag", Operator.HAS, "a")
    aliased = Comparison("alias", Operator.HAS, "b*")
    for filter_ in (None, tagged, aliased):
        for scope in (collection_id, None):
            await rows.listings.versions(project_id, scope, Query(filter_, newest, (9, 9), 1))
        await rows.listings.collections(project_id, Query(filter_, by_name, ("a", 9), 1))
    await rows.listings.projects(entity_id, Query(None, by_name, ("a", 9), 1))
    await rows.listings.types(project_id, Query(None, by_name, ("a", "a"), 1))


async def test_every_statement_finds_its_rows_by_an_index(tmp_path: Path) -> None:
    assert await scans_in(tmp_path / "meta.db", use_everything, at_least=60) == {}


async def scans_in(
    path: Path, work: Callable[[Rows], Awaitable[None]], *, at_least: int
) -> Mapping[str, list[str]]:
    """Return the statements of a transaction that walk through a whole table."""
    store = await SqlMetadataStore.open(path)
    executed: dict[str, tuple[object, ...]] = {}

    def collect(*arguments: object) -> None:
        _, _, statement, parameters, _, many = arguments
        assert isinstance(statement, str)
        assert isinstance(parameters, tuple | list)
        executed[statement] = tuple(parameters[0] if many else parameters)

    engine = shared_engine().sync_engine
    event.listen(engine, "before_cursor_execute", collect)
    await store.write(work)
    event.remove(engine, "before_cursor_execute", collect)
    await store.close()

    assert len(executed) > at_least
    with sqlite3.connect(path) as connection:
        scans = {
            statement: plan
            for statement, parameters in executed.items()
            if (plan := scans_of(connection, statement, parameters))
        }
    connection.close()
    return scans


def scans_of(
    connection: sqlite3.Connection, statement: str, parameters: tuple[object, ...]
) -> list[str]:
    """Return the steps that walk through a whole table of the schema."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    walked = [(step[3], re.match(r"SCAN (\w+)", step[3])) for step in plan]
    return [step for step, match in walked if match and match[1] in tables.METADATA.tables]


@pytest.mark.parametrize(
    "module",
    [
        *(alias_history, aliases, chunks, events, leaves, links, names, protections, registries),
        *(staging, uploads, version_look_ups, versions),
    ],
    ids=lambda module: module.__name__.rsplit(".", 1)[1],
)
def test_every_statement_can_be_said_to_postgresql(module: ModuleType) -> None:
    statements = [value for value in vars(module).values() if isinstance(value, Executable)]
    if module is chunks:
        prepared = chunks._statements("postgresql")
        statements = [prepared.find, prepared.live_epochs, prepared.touch, prepared.verified]
        statements.append(chunks._upsert(insert("postgresql", CHUNK)))
    if module is aliases:
        statements.append(aliases._point("postgresql"))

    dialect = make_url("postgresql+asyncpg://").get_dialect()()
    assert statements
    for statement in statements:
        assert isinstance(statement, ClauseElement)
        said = str(statement.compile(dialect=dialect))
        assert "json_group_array" not in said
        assert "RECURSIVE" not in said
