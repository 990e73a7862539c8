"""The schema, the part of search: the leaves of metadata, and indexes for what filters select."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    literal_column,
)

from hydria_server.domain.leaves import MAX_KEY_BYTES
from hydria_server.domain.records import VersionState
from hydria_server.storage.metadata.tables import (
    COLLECTION,
    COLLECTION_TAG,
    METADATA,
    PATH,
    PROJECT,
    ROW_ID,
    VERSION,
    only_where,
)

# Each path of metadata once, for there are few of them, and leaves by the million.
LEAF_PATH = Table(
    "leaf_path",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("path", PATH, nullable=False),
    UniqueConstraint("path"),
)

# The leaves of versions and links, as `domain.leaves` makes them: what a filter by metadata asks.
# `collection_id` and `entity_id` repeat those of the version, so that an index answers each scope.
VERSION_LEAF = Table(
    "version_leaf",
    METADATA,
    Column("version_id", ForeignKey(VERSION.c.id), nullable=False),
    Column("path_id", ForeignKey(LEAF_PATH.c.id), nullable=False),
    Column("key", LargeBinary(MAX_KEY_BYTES + 1), nullable=False),
    Column("collection_id", BigInteger, nullable=False),
    Column("entity_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("version_id", "path_id", "key"),
    Index(None, "collection_id", "path_id", "key"),
    Index(None, "entity_id", "path_id", "key"),
    sqlite_with_rowid=False,
)

# What filters select from, of one collection and of a project.
for _scope in (VERSION.c.collection_id, VERSION.c.project_id):
    Index(None, _scope, VERSION.c.size_bytes)
    Index(None, _scope, VERSION.c.updated_at_us)
    only_where(
        Index(f"ix_version_deleted_{_scope.name}", _scope, VERSION.c.created_at_us),
        VERSION.c.state == literal_column(str(VersionState.DELETED.value)),
    )
Index(None, PROJECT.c.entity_id)  # deleted registries among them, for filters that name the state
Index(None, COLLECTION.c.project_id, COLLECTION.c.type)
Index(None, COLLECTION.c.project_id, COLLECTION.c.updated_at_us)
Index(None, COLLECTION_TAG.c.tag)
