"""The schema, third part: registries, which are projects that hold links."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint, Table, Text

from hydria_server.storage.metadata.tables import ENTITY, METADATA, NAME, PROJECT

# What a registry has beside what every project has.
REGISTRY = Table(
    "registry",
    METADATA,
    Column("project_id", ForeignKey(PROJECT.c.id), primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("description", Text, nullable=False),
)

# The types that a registry is restricted to. None: it takes all.
REGISTRY_TYPE = Table(
    "registry_type",
    METADATA,
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("type", NAME, nullable=False),
    PrimaryKeyConstraint("project_id", "type"),
    sqlite_with_rowid=False,
)

# Where a name that a rename gave up leads, until it is used again.
PROJECT_REDIRECT = Table(
    "project_redirect",
    METADATA,
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False, index=True),
    PrimaryKeyConstraint("entity_id", "name"),
    sqlite_with_rowid=False,
)
