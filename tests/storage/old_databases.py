"""Databases with the schema of an older release."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine

from hydria_server.storage.metadata.migration import migrate


def migrate_file(path: Path, *, to: str) -> None:
    """Bring a database, made if need be, to the migration named `to`."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection, to)
    engine.dispose()
