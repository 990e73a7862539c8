"""Runs, metrics and lineage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of lineage_tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "run",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at_us", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.Column("display_name", NAME, nullable=False),
        sa.Column("job_type", NAME, nullable=False),
        sa.Column("group_name", NAME, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.id"], name="fk_run_entity_id_entity"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_run_project_id_project"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("project_id", "run_id", name="uq_run_project_id_run_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_project_id_created_at_us", "run", ["project_id", "created_at_us"])
    op.create_index(
        "ix_run_running_heartbeat",
        "run",
        ["heartbeat_at_us"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "uq_run_request",
        "run",
        ["entity_id", "request_id"],
        unique=True,
        sqlite_where=sa.text("request_id != ''"),
        postgresql_where=sa.text("request_id != ''"),
    )
    op.create_table(
        "run_number",
        sa.Column("project_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_run_number_project_id_project"
        ),
        sa.PrimaryKeyConstraint("project_id", name="pk_run_number"),
    )
    op.create_table(
        "metric",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("run_id", ROW_ID, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("last_value", sa.LargeBinary(length=8), nullable=False),
        sa.Column("last_time_us", sa.BigInteger(), nullable=False),
        sa.Column("point_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_metric_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_metric"),
        sa.UniqueConstraint("run_id", "key", name="uq_metric_run_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run_document",
        sa.Column("run_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("git_commit", sa.Text(), nullable=False),
        sa.Column("git_remote", sa.Text(), nullable=False),
        sa.Column("command_line_json", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config_json", sa.Text(), nullable=False),
        sa.Column("summary_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_document_run_id_run"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_document"),
    )
    op.create_table(
        "run_tag",
        sa.Column("run_id", ROW_ID, nullable=False),
        sa.Column("tag", NAME, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_tag_run_id_run"),
        sa.PrimaryKeyConstraint("run_id", "tag", name="pk_run_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_tag_project_id_tag", "run_tag", ["project_id", "tag"])
    op.create_table(
        "lineage_edge",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("run_id", ROW_ID, nullable=True),
        sa.Column("from_version_id", ROW_ID, nullable=True),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ref", sa.Text(), nullable=False),
        sa.Column("requested_ref", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 3) = (from_version_id IS NOT NULL)", name="ck_lineage_edge_source"
        ),
        sa.CheckConstraint("(kind = 3) = (run_id IS NULL)", name="ck_lineage_edge_run"),
        sa.ForeignKeyConstraint(
            ["from_version_id"], ["version.id"], name="fk_lineage_edge_from_version_id_version"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_lineage_edge_run_id_run"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_lineage_edge_version_id_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_lineage_edge"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_lineage_edge_backward",
        "lineage_edge",
        ["id"],
        sqlite_where=sa.text("from_version_id >= version_id"),
        postgresql_where=sa.text("from_version_id >= version_id"),
    )
    op.create_index(
        "ix_lineage_edge_of_run",
        "lineage_edge",
        ["run_id", "kind", "id"],
        sqlite_where=sa.text("run_id IS NOT NULL"),
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lineage_edge_of_source",
        "lineage_edge",
        ["from_version_id", "id"],
        sqlite_where=sa.text("from_version_id IS NOT NULL"),
        postgresql_where=sa.text("from_version_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lineage_edge_version_id_kind_id", "lineage_edge", ["version_id", "kind", "id"]
    )
    op.create_index(
        "uq_lineage_edge_run",
        "lineage_edge",
        ["run_id", "version_id", "kind"],
        unique=True,
        sqlite_where=sa.text("run_id IS NOT NULL"),
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index(
        "uq_lineage_edge_source",
        "lineage_edge",
        ["from_version_id", "version_id"],
        unique=True,
        sqlite_where=sa.text("from_version_id IS NOT NULL"),
        postgresql_where=sa.text("from_version_id IS NOT NULL"),
    )
    op.create_table(
        "metric_block",
        sa.Column("metric_id", ROW_ID, nullable=False),
        sa.Column("first_step", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("point_count", sa.Integer(), nullable=False),
        sa.Column("steps", sa.LargeBinary(), nullable=False),
        sa.Column("point_values", sa.LargeBinary(), nullable=False),
        sa.Column("times_us", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["metric_id"], ["metric.id"], name="fk_metric_block_metric_id_metric"
        ),
        sa.PrimaryKeyConstraint("metric_id", "first_step", name="pk_metric_block"),
    )
