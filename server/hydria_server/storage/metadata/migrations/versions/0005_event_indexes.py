"""Indexes for the history: the events of a collection, and where aliases pointed a moment ago."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_event_entity_id_collection_id_seq", "event", ["entity_id", "collection_id", "seq"]
    )
    closed = sa.text("to_time_us IS NOT NULL")
    op.create_index(
        "ix_alias_interval_closed",
        "alias_interval",
        ["to_time_us"],
        sqlite_where=closed,
        postgresql_where=closed,
    )
