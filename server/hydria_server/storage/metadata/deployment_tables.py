"""The schema, a part of its own: deployments, which say who serves what."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from hydria_server.domain.deployments import DeploymentState
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    ENTITY,
    METADATA,
    NAME,
    ROW_ID,
    VERSION,
    only_where,
)

# Known by entity, name and host. `collection_id` repeats the version's, for lists of a collection.
# `state` is LIVE also when the lease is over: that shows in `expires_at_us` alone.
DEPLOYMENT = Table(
    "deployment",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("host", String(256), nullable=False),
    Column("collection_id", ForeignKey(COLLECTION.c.id), nullable=False),
    Column("version_id", ForeignKey(VERSION.c.id), nullable=False),
    Column("alias", NAME, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("serving_since_us", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    UniqueConstraint("entity_id", "name", "host"),
    Index(None, "entity_id", "updated_at_us"),
    Index(None, "collection_id", "updated_at_us"),
    Index(None, "expires_at_us"),  # finds what is to be forgotten
    sqlite_autoincrement=True,
)
IS_UNENDED: Final = DEPLOYMENT.c.state == literal_column(str(DeploymentState.LIVE.value))
# Finds who serves a version that is to be deleted.
only_where(Index("ix_deployment_unended_version", DEPLOYMENT.c.version_id), IS_UNENDED)

# Each as `KEY=VALUE`, as filters ask for it.
DEPLOYMENT_LABEL = Table(
    "deployment_label",
    METADATA,
    Column("deployment_id", ForeignKey(DEPLOYMENT.c.id), nullable=False),
    Column("label", Text, nullable=False),
    PrimaryKeyConstraint("deployment_id", "label"),
    sqlite_with_rowid=False,
)
