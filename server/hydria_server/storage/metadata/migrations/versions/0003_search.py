"""Leaves of metadata, filled for what is there, and indexes for what filters select."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

# What a leaf is, is said once: an index that was made otherwise would answer otherwise.
from hydria_server.domain.leaves import leaves_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# Their metadata may be 1 MiB each.
VERSIONS_AT_ONCE = 20

WITH_METADATA = sa.text(
    "SELECT version.id, version.collection_id, project.entity_id, version.metadata_json"
    " FROM version JOIN project ON project.id = version.project_id"
    " WHERE version.id > :after AND version.metadata_bytes > 2 ORDER BY version.id LIMIT :count"
)
ADD_PATH = sa.text("INSERT INTO leaf_path (path) VALUES (:path) ON CONFLICT DO NOTHING")
ADD_LEAF = sa.text(
    "INSERT INTO version_leaf (version_id, path_id, key, collection_id, entity_id)"
    " SELECT :version_id, id, :key, :collection_id, :entity_id FROM leaf_path WHERE path = :path"
)


def upgrade() -> None:
    _create_tables()
    for rows in _leaf_rows(op.get_bind()):
        op.get_bind().execute(ADD_PATH, [{"path": row["path"]} for row in rows])
        op.get_bind().execute(ADD_LEAF, rows)
    # Made when the rows are there, which is faster.
    for scope in ("collection_id", "entity_id"):
        op.create_index(
            f"ix_version_leaf_{scope}_path_id_key", "version_leaf", [scope, "path_id", "key"]
        )
    _index_versions_and_collections()


def _create_tables() -> None:
    op.create_table(
        "leaf_path",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("path", PATH, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_leaf_path"),
        sa.UniqueConstraint("path", name="uq_leaf_path_path"),
    )
    op.create_table(
        "version_leaf",
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("path_id", ROW_ID, nullable=False),
        sa.Column("key", sa.LargeBinary(length=1025), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["path_id"], ["leaf_path.id"], name="fk_version_leaf_path_id_leaf_path"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_version_leaf_version_id_version"
        ),
        sa.PrimaryKeyConstraint("version_id", "path_id", "key", name="pk_version_leaf"),
        sqlite_with_rowid=False,
    )


def _leaf_rows(bind: sa.Connection) -> Iterator[list[dict[str, object]]]:
    """Yield the leaves of all versions, those of some versions at a time."""
    after = 0
    while versions := bind.execute(
        WITH_METADATA, {"after": after, "count": VERSIONS_AT_ONCE}
    ).all():
        after = versions[-1].id
        rows: list[dict[str, object]] = [
            {
                "version_id": version.id,
                "collection_id": version.collection_id,
                "entity_id": version.entity_id,
                "path": leaf.path,
                "key": leaf.key,
            }
            for version in versions
            for leaf in leaves_of(version.metadata_json)
        ]
        if rows:
            yield rows


def _index_versions_and_collections() -> None:
    deleted = sa.text("state = 2")
    for scope in ("collection_id", "project_id"):
        for column in ("size_bytes", "updated_at_us"):
            op.create_index(f"ix_version_{scope}_{column}", "version", [scope, column])
        op.create_index(
            f"ix_version_deleted_{scope}",
            "version",
            [scope, "created_at_us"],
            sqlite_where=deleted,
            postgresql_where=deleted,
        )
    op.create_index("ix_project_entity_id", "project", ["entity_id"])
    for column in ("type", "updated_at_us"):
        op.create_index(f"ix_collection_project_id_{column}", "collection", ["project_id", column])
    op.create_index("ix_collection_tag_tag", "collection_tag", ["tag"])
