"""The contract of the rows of webhooks and of their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.webhooks import (
    DeliveryRecord,
    WaitingWebhook,
    WebhookProgress,
    WebhookRecord,
    WebhookWords,
)


class WebhookRows(Protocol):
    """Webhooks, how far each has come, and the log of deliveries."""

    async def insert(self, entity_id: int, name: str, words: WebhookWords, *, now_us: int) -> None:
        """Insert a webhook, which is told of the events after this transaction.

        Raises:
            AlreadyExistsError: the entity has a webhook of that name.
        """
        ...

    async def count(self, entity_id: int) -> int:
        """Return how many webhooks the entity has."""
        ...

    async def by_name(self, entity: str, name: str) -> WebhookRecord | None:
        """Return the webhook of that name."""
        ...

    async def by_id(self, webhook_id: int) -> WebhookRecord | None:
        """Return the webhook, unless it was deleted."""
        ...

    async def update(self, webhook_id: int, words: WebhookWords, *, now_us: int) -> None:
        """Replace all words. Its revision grows."""
        ...

    async def advance(self, webhook_id: int, progress: WebhookProgress) -> None:
        """Note how far the webhook has come; `updated_at` and the revision stay."""
        ...

    async def pass_over(self, places: Mapping[int, int]) -> None:
        """Note that webhooks have dealt with everything up to a place, by their ids.

        Who is further already, or was deleted, stays as it is.
        """
        ...

    async def first_needed(self, entity_id: int) -> int | None:
        """Return the number of the first event that a webhook of an entity has yet to deal with.

        One more than the last number if all have dealt with all; None if there is no webhook.
        """
        ...

    async def miss_before(self, entity_id: int, seq: int, *, now_us: int) -> None:
        """Note that the events before `seq` are gone: who has not dealt with them missed them."""
        ...

    async def delete(self, webhook_id: int) -> None:
        """Delete the webhook and its deliveries."""
        ...

    async def waiting(self) -> list[WaitingWebhook]:
        """Return the ACTIVE webhooks with a pending delivery or events after their cursor.

        Those whose next attempt is due first come first, in the order of their ids.
        """
        ...

    async def save_delivery(self, delivery: DeliveryRecord) -> int:
        """Insert a delivery whose id is 0, else replace that row if it is there; return its id."""
        ...

    async def delivery(self, webhook_id: int, delivery_id: str) -> DeliveryRecord | None:
        """Return the delivery, unless it has left the log."""
        ...

    async def delivery_by_id(self, row_id: int) -> DeliveryRecord | None:
        """Return the delivery of that row."""
        ...

    async def trim_deliveries(self, webhook_id: int, *, keep: int) -> None:
        """Delete all but the newest `keep` deliveries, and those that are pending."""
        ...

    async def webhooks(self, entity_id: int, query: Query) -> Page[WebhookRecord]:
        """List webhooks. Fields: name, state, created_at, updated_at."""
        ...

    async def deliveries(self, webhook_id: int, query: Query) -> Page[DeliveryRecord]:
        """List deliveries. Fields: state, created_at."""
        ...
