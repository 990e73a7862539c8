"""The schema: aliases that only administrators may move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    PrimaryKeyConstraint,
    Table,
    and_,
)

from hydria_server.storage.metadata.tables import METADATA, NAME, PROJECT

# In place of a collection: all of the registry.
WHOLE_REGISTRY: Final = 0

PROTECTED_ALIAS = Table(
    "protected_alias",
    METADATA,
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("collection_id", BigInteger, nullable=False),
    Column("alias", NAME, nullable=False),
    PrimaryKeyConstraint("project_id", "collection_id", "alias"),
    sqlite_with_rowid=False,
)


def protects(
    project_id: ColumnElement[int], collection_id: ColumnElement[int] | None = None
) -> Callable[[FromClause], ColumnElement[bool]]:
    """Return the condition of rows that hold for a collection, or for all of a registry."""
    places = (WHOLE_REGISTRY,) if collection_id is None else (WHOLE_REGISTRY, collection_id)
    return lambda rows: and_(rows.c.project_id == project_id, rows.c.collection_id.in_(places))
