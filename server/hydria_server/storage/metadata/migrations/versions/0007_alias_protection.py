"""Protected aliases, and the history of all aliases of a collection by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "protected_alias",
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("alias", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_protected_alias_project_id_project"
        ),
        sa.PrimaryKeyConstraint("project_id", "collection_id", "alias", name="pk_protected_alias"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_alias_interval_collection_id_from_time_us",
        "alias_interval",
        ["collection_id", "from_time_us"],
    )
