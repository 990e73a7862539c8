"""Lists of webhooks and of their deliveries."""

from __future__ import annotations

from hydria_server.domain.filters import OrderTerm, Page, Query
from hydria_server.domain.names import require_name
from hydria_server.domain.webhooks import DeliveryRecord, WebhookRecord
from hydria_server.services.filter_parsing import Fields, Kind
from hydria_server.services.listings import Listed, Listings, ListRequest
from hydria_server.services.webhooks.webhooks import require_webhook
from hydria_server.storage.metadata.interface import Rows

DELIVERY_FIELDS: Fields = {"state": Kind.TEXT, "created_at": Kind.TIME}
WEBHOOK_FIELDS: Fields = {**DELIVERY_FIELDS, "name": Kind.TEXT, "updated_at": Kind.TIME}


class WebhookListings(Listings):
    """Answers list calls about webhooks, as those about everything else are answered."""

    async def webhooks(self, entity: str, request: ListRequest) -> Listed[WebhookRecord]:
        """List an entity's webhooks.

        Raises:
            NameInvalidError, FieldViolationError, FilterInvalidError, PageTokenInvalidError.
        """
        require_name(entity, field="entity")

        async def page(rows: Rows, query: Query) -> Page[WebhookRecord]:
            found = await rows.names.entity(entity)
            return await rows.webhooks.webhooks(found.id, query) if found else Page((), None)

        by_name = OrderTerm("name")
        return await self.page(f"webhooks {entity}", request, WEBHOOK_FIELDS, by_name, page)

    async def deliveries(
        self, entity: str, name: str, request: ListRequest
    ) -> Listed[DeliveryRecord]:
        """List the deliveries in the log of a webhook, newest first.

        Raises:
            NotFoundError: there is no such webhook. And as `webhooks`.
        """
        scope = f"deliveries {entity}/{name}"

        async def page(rows: Rows, query: Query) -> Page[DeliveryRecord]:
            webhook = await require_webhook(rows, entity, name)
            return await rows.webhooks.deliveries(webhook.id, query)

        newest_first = OrderTerm("created_at", descending=True)
        return await self.page(scope, request, DELIVERY_FIELDS, newest_first, page)
