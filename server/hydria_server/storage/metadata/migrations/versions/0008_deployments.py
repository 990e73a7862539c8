"""Deployments: who serves which version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("alias", NAME, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("serving_since_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployment"),
        sa.UniqueConstraint("entity_id", "name", "host", name="uq_deployment_entity_id_name_host"),
        _references("entity_id", "entity"),
        _references("collection_id", "collection"),
        _references("version_id", "version"),
        sqlite_autoincrement=True,
    )
    for columns in (
        ["entity_id", "updated_at_us"],
        ["collection_id", "updated_at_us"],
        ["expires_at_us"],
    ):
        op.create_index(f"ix_deployment_{'_'.join(columns)}", "deployment", columns)
    unended = sa.text("state = 1")
    op.create_index(
        "ix_deployment_unended_version",
        "deployment",
        ["version_id"],
        sqlite_where=unended,
        postgresql_where=unended,
    )
    op.create_table(
        "deployment_label",
        sa.Column("deployment_id", ROW_ID, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "label", name="pk_deployment_label"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name="fk_deployment_label_deployment_id_deployment",
        ),
        sqlite_with_rowid=False,
    )


def _references(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{table}.id"], name=f"fk_deployment_{column}_{table}"
    )
