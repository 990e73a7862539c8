"""Webhooks, how far each has come, and the log of deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Select,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.filters import Page, Query
from hydria_server.domain.webhooks import (
    DeliveryRecord,
    DeliveryState,
    WaitingWebhook,
    WebhookProgress,
    WebhookRecord,
    WebhookState,
    WebhookWords,
)
from hydria_server.storage.metadata.dialect import byte_length, insert
from hydria_server.storage.metadata.driver import Value
from hydria_server.storage.metadata.filtering import EnumField, NumberField, TextField
from hydria_server.storage.metadata.paging import Listing, Pager
from hydria_server.storage.metadata.tables import ENTITY
from hydria_server.storage.metadata.webhook_records import (
    delivery_columns,
    delivery_of,
    webhook_columns,
    webhook_of,
)
from hydria_server.storage.metadata.webhook_tables import (
    IS_ACTIVE_WEBHOOK,
    IS_DEAD,
    WEBHOOK,
    WEBHOOK_DELIVERY,
    WEBHOOK_GAP,
)

_DEAD_COUNT = (
    select(func.count())
    .select_from(WEBHOOK_DELIVERY)
    .where(WEBHOOK_DELIVERY.c.webhook_id == WEBHOOK.c.id, IS_DEAD)
    .correlate(WEBHOOK)
    .scalar_subquery()
)
_RECORDS = (
    select(
        WEBHOOK,
        ENTITY.c.name.label("entity"),
        _DEAD_COUNT.label("dead_count"),
        func.coalesce(WEBHOOK_GAP.c.event_count, 0).label("missed_count"),
        func.coalesce(WEBHOOK_GAP.c.last_time_us, 0).label("missed_at_us"),
    )
    .join(ENTITY, ENTITY.c.id == WEBHOOK.c.entity_id)
    .outerjoin(WEBHOOK_GAP, WEBHOOK_GAP.c.webhook_id == WEBHOOK.c.id)
)
_BY_NAME = _RECORDS.where(
    ENTITY.c.name == bindparam("entity"), WEBHOOK.c.name == bindparam("webhook")
)
_BY_ID = _RECORDS.where(WEBHOOK.c.id == bindparam("webhook_id"))
_WAITING = (
    select(
        WEBHOOK.c.id,
        ENTITY.c.last_event_seq,
        WEBHOOK.c.pending_delivery_id.is_not(None),
        WEBHOOK.c.failed_attempts,
        WEBHOOK.c.next_attempt_at_us,
    )
    .join(ENTITY, ENTITY.c.id == WEBHOOK.c.entity_id)
    .where(
        IS_ACTIVE_WEBHOOK,
        or_(
            WEBHOOK.c.cursor_seq < ENTITY.c.last_event_seq,
            WEBHOOK.c.pending_delivery_id.is_not(None),
        ),
    )
    .order_by(WEBHOOK.c.next_attempt_at_us, WEBHOOK.c.id)
)
_PASS_OVER = (
    update(WEBHOOK)
    .where(WEBHOOK.c.id == bindparam("webhook_id"), WEBHOOK.c.cursor_seq < bindparam("seq"))
    .values(cursor_seq=bindparam("seq"))
)
_FIRST_NEEDED = select(func.min(WEBHOOK.c.cursor_seq) + 1).where(
    WEBHOOK.c.entity_id == bindparam("of_entity")
)
_DELIVERIES = select(WEBHOOK_DELIVERY)
_DELIVERY = _DELIVERIES.where(
    WEBHOOK_DELIVERY.c.webhook_id == bindparam("webhook_id"),
    WEBHOOK_DELIVERY.c.delivery_id == bindparam("delivery_id"),
)
_DELIVERY_BY_ID = _DELIVERIES.where(WEBHOOK_DELIVERY.c.id == bindparam("row_id"))
# The newest row that is one too many.
_SURPLUS = (
    select(WEBHOOK_DELIVERY.c.id)
    .where(WEBHOOK_DELIVERY.c.webhook_id == bindparam("of_webhook"))
    .order_by(WEBHOOK_DELIVERY.c.created_at_us.desc(), WEBHOOK_DELIVERY.c.id.desc())
    .offset(bindparam("keep"))
)


class SqlWebhooks:
    """Rows of webhooks, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, entity_id: int, name: str, words: WebhookWords, *, now_us: int) -> None:
        last_seq = select(ENTITY.c.last_event_seq).where(ENTITY.c.id == entity_id)
        statement = insert(self._connection.dialect.name, WEBHOOK).values(
            entity_id=entity_id,
            name=name,
            cursor_seq=last_seq.scalar_subquery(),
            failed_attempts=0,
            next_attempt_at_us=0,
            revision=1,
            created_at_us=now_us,
            updated_at_us=now_us,
            **webhook_columns(words),
        )
        made = await self._connection.execute(
            statement.on_conflict_do_nothing().returning(WEBHOOK.c.id)
        )
        if made.scalar() is None:
            raise AlreadyExistsError(f"there is a webhook {name!r} already")

    async def count(self, entity_id: int) -> int:
        counted = await self._connection.execute(
            select(func.count()).select_from(WEBHOOK).where(WEBHOOK.c.entity_id == entity_id)
        )
        return counted.scalar_one()

    async def by_name(self, entity: str, name: str) -> WebhookRecord | None:
        return await self._webhook(_BY_NAME, {"entity": entity, "webhook": name})

    async def by_id(self, webhook_id: int) -> WebhookRecord | None:
        return await self._webhook(_BY_ID, {"webhook_id": webhook_id})

    async def _webhook(
        self, statement: Select[*tuple[Any, ...]], values: dict[str, Value]
    ) -> WebhookRecord | None:
        row = (await self._connection.execute(statement, values)).mappings().first()
        return webhook_of(row) if row else None

    async def update(self, webhook_id: int, words: WebhookWords, *, now_us: int) -> None:
        await self._connection.execute(
            update(WEBHOOK)
            .where(WEBHOOK.c.id == webhook_id)
            .values(revision=WEBHOOK.c.revision + 1, updated_at_us=now_us, **webhook_columns(words))
        )

    async def advance(self, webhook_id: int, progress: WebhookProgress) -> None:
        await self._connection.execute(
            update(WEBHOOK)
            .where(WEBHOOK.c.id == webhook_id)
            .values(
                cursor_seq=progress.cursor_seq,
                pending_delivery_id=progress.pending_delivery,
                failed_attempts=progress.failed_attempts,
                next_attempt_at_us=progress.next_attempt_at_us,
            )
        )

    async def pass_over(self, places: Mapping[int, int]) -> None:
        if places:
            values = [{"webhook_id": id_, "seq": seq} for id_, seq in places.items()]
            await self._connection.execute(_PASS_OVER, values)

    async def first_needed(self, entity_id: int) -> int | None:
        found = await self._connection.execute(_FIRST_NEEDED, {"of_entity": entity_id})
        first: int | None = found.scalar()
        return first

    async def miss_before(self, entity_id: int, seq: int, *, now_us: int) -> None:
        behind = (WEBHOOK.c.entity_id == entity_id, WEBHOOK.c.cursor_seq < seq - 1)
        missed = select(
            WEBHOOK.c.id, literal(seq - 1) - WEBHOOK.c.cursor_seq, literal(now_us)
        ).where(*behind)
        columns = ["webhook_id", "event_count", "last_time_us"]
        gap = insert(self._connection.dialect.name, WEBHOOK_GAP).from_select(columns, missed)
        more = {
            "event_count": WEBHOOK_GAP.c.event_count + gap.excluded.event_count,
            "last_time_us": gap.excluded.last_time_us,
        }
        await self._connection.execute(
            gap.on_conflict_do_update(index_elements=[WEBHOOK_GAP.c.webhook_id], set_=more)
        )
        await self._connection.execute(update(WEBHOOK).where(*behind).values(cursor_seq=seq - 1))

    async def delete(self, webhook_id: int) -> None:
        await self._connection.execute(
            delete(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.webhook_id == webhook_id)
        )
        await self._connection.execute(
            delete(WEBHOOK_GAP).where(WEBHOOK_GAP.c.webhook_id == webhook_id)
        )
        await self._connection.execute(delete(WEBHOOK).where(WEBHOOK.c.id == webhook_id))

    async def waiting(self) -> list[WaitingWebhook]:
        return [WaitingWebhook(*row) for row in await self._connection.execute(_WAITING)]

    async def save_delivery(self, delivery: DeliveryRecord) -> int:
        values = delivery_columns(delivery)
        if delivery.id:
            await self._connection.execute(
                update(WEBHOOK_DELIVERY)
                .where(WEBHOOK_DELIVERY.c.id == delivery.id)
                .values(**values)
            )
            return delivery.id
        made = await self._connection.execute(
            plain_insert(WEBHOOK_DELIVERY).values(**values).returning(WEBHOOK_DELIVERY.c.id)
        )
        row_id: int = made.scalar_one()
        return row_id

    async def delivery(self, webhook_id: int, delivery_id: str) -> DeliveryRecord | None:
        return await self._delivery(
            _DELIVERY, {"webhook_id": webhook_id, "delivery_id": delivery_id}
        )

    async def delivery_by_id(self, row_id: int) -> DeliveryRecord | None:
        return await self._delivery(_DELIVERY_BY_ID, {"row_id": row_id})

    async def _delivery(
        self, statement: Select[*tuple[Any, ...]], values: dict[str, Value]
    ) -> DeliveryRecord | None:
        row = (await self._connection.execute(statement, values)).mappings().first()
        return delivery_of(row) if row else None

    async def trim_deliveries(self, webhook_id: int, *, keep: int) -> None:
        await self._connection.execute(
            delete(WEBHOOK_DELIVERY).where(
                WEBHOOK_DELIVERY.c.id.in_(_SURPLUS),
                WEBHOOK_DELIVERY.c.state != DeliveryState.PENDING.value,
            ),
            {"of_webhook": webhook_id, "keep": keep},
        )

    async def webhooks(self, entity_id: int, query: Query) -> Page[WebhookRecord]:
        listing = Listing(
            rows=select(WEBHOOK.c.id).where(WEBHOOK.c.entity_id == entity_id),
            row_id=WEBHOOK.c.id,
            text_bytes=byte_length(WEBHOOK.c.target_url)
            + byte_length(WEBHOOK.c.filter_json)
            + byte_length(WEBHOOK.c.payload_template),
            fields={
                "name": TextField(WEBHOOK.c.name),
                "state": EnumField(WEBHOOK.c.state, WebhookState),
                "created_at": NumberField(WEBHOOK.c.created_at_us),
                "updated_at": NumberField(WEBHOOK.c.updated_at_us),
            },
            records=_RECORDS,
            record_of=webhook_of,
        )
        return await Pager(self._connection).page(listing, query)

    async def deliveries(self, webhook_id: int, query: Query) -> Page[DeliveryRecord]:
        listing = Listing(
            rows=select(WEBHOOK_DELIVERY.c.id).where(WEBHOOK_DELIVERY.c.webhook_id == webhook_id),
            row_id=WEBHOOK_DELIVERY.c.id,
            text_bytes=byte_length(WEBHOOK_DELIVERY.c.body)
            + byte_length(WEBHOOK_DELIVERY.c.attempts_json),
            fields={
                "state": EnumField(WEBHOOK_DELIVERY.c.state, DeliveryState),
                "created_at": NumberField(WEBHOOK_DELIVERY.c.created_at_us),
            },
            records=_DELIVERIES,
            record_of=delivery_of,
        )
        return await Pager(self._connection).page(listing, query)
