"""What was forgotten before a webhook had it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhook_gap",
        sa.Column("webhook_id", ROW_ID, nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("last_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name="fk_webhook_gap_webhook_id_webhook"
        ),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook_gap"),
    )
