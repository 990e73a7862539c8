"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql")
PATH = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DIGEST = sa.LargeBinary(length=32)


def upgrade() -> None:
    op.create_table(
        "domain",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_domain"),
        sa.UniqueConstraint("key", name="uq_domain_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "store",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("digest_function", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_store_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )
    op.create_table(
        "chunk",
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("touch_epoch", sa.BigInteger(), nullable=False),
        sa.Column("condemned_epoch", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("pack_id", sa.String(length=26), nullable=False),
        sa.Column("pack_offset", sa.BigInteger(), nullable=False),
        sa.Column("stored_bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_chunk_domain_id_domain"),
        sa.PrimaryKeyConstraint("domain_id", "digest", name="pk_chunk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entity",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("last_event_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_entity_domain_id_domain"),
        sa.PrimaryKeyConstraint("id", name="pk_entity"),
        sa.UniqueConstraint("name", name="uq_entity_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "verified_file",
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("content_digest", DIGEST, nullable=False),
        sa.Column("chunk_list_digest", DIGEST, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domain.id"], name="fk_verified_file_domain_id_domain"
        ),
        sa.PrimaryKeyConstraint(
            "domain_id", "content_digest", "chunk_list_digest", name="pk_verified_file"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("collection_id", sa.BigInteger(), nullable=True),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.id"], name="fk_event_entity_id_entity"),
        sa.PrimaryKeyConstraint("entity_id", "seq", name="pk_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "project",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_project_domain_id_domain"),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.id"], name="fk_project_entity_id_entity"),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("entity_id", "name", name="uq_project_entity_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collection",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("next_version", sa.BigInteger(), nullable=False),
        sa.Column("version_count", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_us", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_collection_project_id_project"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_collection_project_id_created_at_us", "collection", ["project_id", "created_at_us"]
    )
    op.create_index(
        "uq_collection_live_name",
        "collection",
        ["project_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at_us IS NULL"),
        postgresql_where=sa.text("deleted_at_us IS NULL"),
    )
    op.create_table(
        "collection_redirect",
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name="fk_collection_redirect_collection_id_collection",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_collection_redirect_project_id_project"
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name="pk_collection_redirect"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_collection_redirect_collection_id", "collection_redirect", ["collection_id"]
    )
    op.create_table(
        "collection_tag",
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.Column("tag", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_collection_tag_collection_id_collection"
        ),
        sa.PrimaryKeyConstraint("collection_id", "tag", name="pk_collection_tag"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_us", sa.BigInteger(), nullable=True),
        sa.Column("upload_id", sa.String(length=64), nullable=False),
        sa.Column("metadata_bytes", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_version_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_version_project_id_project"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("collection_id", "id", name="uq_version_collection_id_id"),
        sa.UniqueConstraint("collection_id", "number", name="uq_version_collection_id_number"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_version_collection_id_created_at_us", "version", ["collection_id", "created_at_us"]
    )
    op.create_index(
        "ix_version_committed_number",
        "version",
        ["collection_id", "number"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "ix_version_equal_content",
        "version",
        ["collection_id", "digest", "number"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "ix_version_project_id_created_at_us", "version", ["project_id", "created_at_us"]
    )
    op.create_table(
        "alias",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "version_id"],
            ["version.collection_id", "version.id"],
            name="fk_alias_collection_id_version_id_version",
        ),
        sa.PrimaryKeyConstraint("collection_id", "name", name="pk_alias"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alias_version_id_name", "alias", ["version_id", "name"])
    op.create_table(
        "alias_interval",
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.Column("alias", NAME, nullable=False),
        sa.Column("from_time_us", sa.BigInteger(), nullable=False),
        sa.Column("to_time_us", sa.BigInteger(), nullable=True),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_alias_interval_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_alias_interval_version_id_version"
        ),
        sa.PrimaryKeyConstraint("collection_id", "alias", "from_time_us", name="pk_alias_interval"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_alias_interval_open",
        "alias_interval",
        ["collection_id", "alias"],
        unique=True,
        sqlite_where=sa.text("to_time_us IS NULL"),
        postgresql_where=sa.text("to_time_us IS NULL"),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("collection", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("base_version_id", ROW_ID, nullable=True),
        sa.Column("start_epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("commit_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result_version_id", ROW_ID, nullable=True),
        sa.Column("result_created", sa.Boolean(), nullable=False),
        sa.Column("result_ignored_fields_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["base_version_id"], ["version.id"], name="fk_upload_base_version_id_version"
        ),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_upload_domain_id_domain"),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.id"], name="fk_upload_entity_id_entity"),
        sa.ForeignKeyConstraint(
            ["result_version_id"], ["version.id"], name="fk_upload_result_version_id_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index(
        "ix_upload_open_entity",
        "upload",
        ["entity_id"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "ix_upload_open_lease",
        "upload",
        ["expires_at_us"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "uq_upload_request",
        "upload",
        ["entity_id", "request_id"],
        unique=True,
        sqlite_where=sa.text("request_id != ''"),
        postgresql_where=sa.text("request_id != ''"),
    )
    op.create_table(
        "version_shard",
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("first_path", PATH, nullable=False),
        sa.Column("last_path", PATH, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_version_shard_version_id_version"
        ),
        sa.PrimaryKeyConstraint("version_id", "position", name="pk_version_shard"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version_tag",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("tag", NAME, nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "version_id"],
            ["version.collection_id", "version.id"],
            name="fk_version_tag_collection_id_version_id_version",
        ),
        sa.PrimaryKeyConstraint("version_id", "tag", name="pk_version_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_version_tag_collection_id_tag", "version_tag", ["collection_id", "tag"])
    op.create_table(
        "staged_run",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("upload_id", sa.String(length=64), nullable=False),
        sa.Column("writer_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("operation_count", sa.BigInteger(), nullable=False),
        sa.Column("first_path", PATH, nullable=False),
        sa.Column("last_path", PATH, nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name="fk_staged_run_upload_id_upload"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staged_run"),
        sa.UniqueConstraint(
            "upload_id",
            "writer_id",
            "seq",
            "part",
            name="uq_staged_run_upload_id_writer_id_seq_part",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_staged_run_upload_id_id", "staged_run", ["upload_id", "id"])
