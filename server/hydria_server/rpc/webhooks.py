"""The unary calls on webhooks and their deliveries."""

from __future__ import annotations

from hydria.v1 import registry_pb2 as pb
from hydria_server.domain.webhooks import WebhookState, WebhookWords
from hydria_server.rpc import requests
from hydria_server.rpc.calls import Context
from hydria_server.rpc.events import event_filter
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.rpc.webhook_messages import (
    delivery_message,
    webhook_format,
    webhook_message,
    webhook_state,
)
from hydria_server.services.webhooks.webhooks import WebhookChange

_WORDS = ("target_url", "filter", "format", "payload_template", "secret", "state")


class WebhookRpcs(RegistryRpcs):
    """Create, get, list, update, delete; test, list deliveries, redeliver."""

    async def CreateWebhook(
        self, request: pb.CreateWebhookRequest, context: Context
    ) -> pb.CreateWebhookResponse:
        words = WebhookWords(
            target_url=request.target_url,
            filter=event_filter(request.filter),
            format=webhook_format(request.format),
            payload_template=request.payload_template,
            secret=request.secret,
            state=WebhookState.PAUSED if request.paused else WebhookState.ACTIVE,
        )
        webhook = await self.services.webhooks.webhooks.create(request.entity, request.name, words)
        return pb.CreateWebhookResponse(
            webhook=webhook_message(webhook), secret=webhook.words.secret
        )

    async def GetWebhook(
        self, request: pb.GetWebhookRequest, context: Context
    ) -> pb.GetWebhookResponse:
        webhook = await self.services.webhooks.webhooks.get(request.entity, request.name)
        return pb.GetWebhookResponse(webhook=webhook_message(webhook))

    async def ListWebhooks(
        self, request: pb.ListWebhooksRequest, context: Context
    ) -> pb.ListWebhooksResponse:
        listed = await self.services.webhooks.listings.webhooks(
            request.entity, requests.list_request(request)
        )
        return pb.ListWebhooksResponse(
            webhooks=map(webhook_message, listed.items), next_page_token=listed.next_page_token
        )

    async def UpdateWebhook(
        self, request: pb.UpdateWebhookRequest, context: Context
    ) -> pb.UpdateWebhookResponse:
        paths = requests.mask_paths(request.update_mask, _WORDS)
        change = WebhookChange(
            target_url=request.target_url if "target_url" in paths else None,
            filter=event_filter(request.filter) if "filter" in paths else None,
            format=webhook_format(request.format) if "format" in paths else None,
            payload_template=request.payload_template if "payload_template" in paths else None,
            secret=request.secret if "secret" in paths else None,
            state=webhook_state(request.state) if "state" in paths else None,
        )
        webhook = await self.services.webhooks.webhooks.update(
            request.entity, request.name, change, etag=request.etag
        )
        return pb.UpdateWebhookResponse(
            webhook=webhook_message(webhook),
            secret=webhook.words.secret if "secret" in paths else "",
        )

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, context: Context
    ) -> pb.DeleteWebhookResponse:
        await self.services.webhooks.webhooks.delete(
            request.entity, request.name, etag=request.etag
        )
        return pb.DeleteWebhookResponse()

    async def TestWebhook(
        self, request: pb.TestWebhookRequest, context: Context
    ) -> pb.TestWebhookResponse:
        delivery = await self.services.webhooks.webhooks.test(request.entity, request.name)
        return pb.TestWebhookResponse(delivery=delivery_message(delivery))

    async def ListWebhookDeliveries(
        self, request: pb.ListWebhookDeliveriesRequest, context: Context
    ) -> pb.ListWebhookDeliveriesResponse:
        listed = await self.services.webhooks.listings.deliveries(
            request.entity, request.name, requests.list_request(request)
        )
        return pb.ListWebhookDeliveriesResponse(
            deliveries=map(delivery_message, listed.items),
            next_page_token=listed.next_page_token,
        )

    async def RedeliverWebhook(
        self, request: pb.RedeliverWebhookRequest, context: Context
    ) -> pb.RedeliverWebhookResponse:
        delivery = await self.services.webhooks.webhooks.redeliver(
            request.entity, request.name, request.delivery_id
        )
        return pb.RedeliverWebhookResponse(delivery=delivery_message(delivery))
