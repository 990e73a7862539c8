"""The schema of webhooks: who is told, how far that has come, and the log of deliveries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from hydria_server.domain.webhooks import DeliveryState, WebhookState
from hydria_server.storage.metadata.tables import ENTITY, METADATA, NAME, ROW_ID, only_where

# `cursor_seq` is the place in the entity's events. `pending_delivery_id` is no key: the log is
# trimmed, and the two rows would refer to each other.
WEBHOOK = Table(
    "webhook",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("format", SmallInteger, nullable=False),
    Column("cursor_seq", BigInteger, nullable=False),
    Column("pending_delivery_id", BigInteger, nullable=True),
    Column("failed_attempts", Integer, nullable=False),
    Column("next_attempt_at_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("secret", Text, nullable=False),
    Column("target_url", Text, nullable=False),
    Column("filter_json", Text, nullable=False),
    Column("payload_template", Text, nullable=False),
    UniqueConstraint("entity_id", "name"),
    sqlite_autoincrement=True,  # the ids of deliveries are made of it
)
IS_ACTIVE_WEBHOOK: Final = WEBHOOK.c.state == literal_column(str(WebhookState.ACTIVE.value))
only_where(Index("ix_webhook_active", WEBHOOK.c.entity_id), IS_ACTIVE_WEBHOOK)

# What was forgotten before a webhook had it; most webhooks never miss anything.
WEBHOOK_GAP = Table(
    "webhook_gap",
    METADATA,
    Column("webhook_id", ForeignKey(WEBHOOK.c.id), primary_key=True),
    Column("event_count", BigInteger, nullable=False),
    Column("last_time_us", BigInteger, nullable=False),
)

# `event_seq` is empty for a test. Attempts are few and read with their delivery: one document.
WEBHOOK_DELIVERY = Table(
    "webhook_delivery",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("webhook_id", ForeignKey(WEBHOOK.c.id), nullable=False),
    Column("delivery_id", String(64), nullable=False),
    Column("event_seq", BigInteger, nullable=True),
    Column("event_type", String(64), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("next_attempt_at_us", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("attempts_json", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("webhook_id", "delivery_id"),
    Index(None, "webhook_id", "created_at_us"),
    sqlite_autoincrement=True,
)
IS_DEAD: Final = WEBHOOK_DELIVERY.c.state == literal_column(str(DeliveryState.DEAD.value))
only_where(Index("ix_webhook_delivery_dead", WEBHOOK_DELIVERY.c.webhook_id), IS_DEAD)
