"""Brings a database to the schema of this release, at start, on a connection that is open.

What is there already is brought up to date by migrations. A new database is made as the tables
say, which takes a tenth of the time; tests hold the two ways against each other. Alembic is
imported when there is something to migrate, and so by few servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.metadata import (
    deployment_tables,
    engine_tables,
    lineage_tables,
    protection_tables,
    registry_tables,
    search_tables,
    tables,
    webhook_tables,
)
from hydria_server.storage.metadata.engine import PUT_OFF

MIGRATIONS: Final = Path(__file__).with_name("migrations")
PARTS: Final = (
    tables,
    engine_tables,
    registry_tables,
    search_tables,
    webhook_tables,
    protection_tables,
    deployment_tables,
    lineage_tables,
)
"""The modules of the schema; each adds its tables to `METADATA` when it is imported."""

_VERSION_TABLE: Final = "alembic_version"
_CREATE_VERSION_TABLE: Final = (  # as Alembic does it
    f"\nCREATE TABLE {_VERSION_TABLE} (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    f"\tCONSTRAINT {_VERSION_TABLE}_pkc PRIMARY KEY (version_num)\n)\n\n"
)


class NewerSchemaError(StorageUnavailableError):
    """The database was written by a newer release, which this one must not touch."""


def upgrade(connection: Connection) -> bool:
    """Make the schema, or bring it up to date; return whether there was anything to do.

    Raises:
        NewerSchemaError: the database has a migration that this release does not know.
    """
    present = inspect(connection).get_table_names()
    if not present:
        _create(connection)
        return True
    if _VERSION_TABLE in present:
        versions = connection.scalars(text(f"SELECT version_num FROM {_VERSION_TABLE}")).all()
        if versions == [newest()]:
            return False
    migrate(connection)
    return True


def migrate(connection: Connection, to: str = "head") -> None:
    """Run the migrations that the database lacks, up to the one named `to`.

    Raises:
        NewerSchemaError: the database has a migration that this release does not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if not present <= known:
        raise NewerSchemaError(
            "the metadata database was written by a newer release of Hydria "
            f"(schema {', '.join(sorted(present - known))}); start that release, or a newer one"
        )
    command.upgrade(config, to)


@cache
def newest() -> str:
    """Return the number of the last migration, which its file is named by."""
    return max(path.name for path in MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]


def _create(connection: Connection) -> None:
    for statement in _statements(connection.dialect.name):
        connection.exec_driver_sql(statement, execution_options=PUT_OFF)
    connection.execute(
        text(f"INSERT INTO {_VERSION_TABLE} (version_num) VALUES (:number)"), {"number": newest()}
    )


@cache
def _statements(dialect_name: str) -> tuple[str, ...]:
    """Return what makes an empty schema, compiled once for a process."""
    dialect = URL.create(dialect_name).get_dialect()()
    return (_CREATE_VERSION_TABLE, *(str(part.compile(dialect=dialect)) for part in _parts()))


def _parts() -> Iterator[ExecutableDDLElement]:
    for table in tables.METADATA.sorted_tables:
        yield CreateTable(table)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield CreateIndex(index)
