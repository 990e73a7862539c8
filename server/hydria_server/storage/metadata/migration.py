"""Brings a database to the schema of this release, at start, on a connection that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hydria_server.domain.errors import StorageUnavailableError

MIGRATIONS: Final = Path(__file__).with_name("migrations")


class NewerSchemaError(StorageUnavailableError):
    """The database was written by a newer release, which this one must not touch."""


def upgrade(connection: Connection) -> bool:
    """Run the migrations that the database lacks; return whether there were any.

    Raises:
        NewerSchemaError: the database has a migration that this release does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if not present <= known:
        raise NewerSchemaError(
            "the metadata database was written by a newer release of Hydria "
            f"(schema {', '.join(sorted(present - known))}); start that release, or a newer one"
        )
    if present == set(scripts.get_heads()):
        return False
    command.upgrade(config, "head")
    return True
