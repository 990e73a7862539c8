"""Webhooks, without await: `Client.webhooks`."""

from __future__ import annotations

from collections.abc import Iterator

from hydria.loop_thread import LoopThread
from hydria.webhook_records import Webhook, WebhookDelivery, WebhookFilter, WebhookFormat
from hydria.webhooks import ALL_EVENTS, AsyncWebhooks


class SyncWebhooks:
    """Every method as that of `AsyncWebhooks`. Lists are iterators."""

    def __init__(self, webhooks: AsyncWebhooks, loop: LoopThread) -> None:
        self._webhooks = webhooks
        self._loop = loop

    def create(
        self,
        name: str,
        url: str,
        *,
        filter: WebhookFilter = ALL_EVENTS,
        format: WebhookFormat = WebhookFormat.JSON,
        payload_template: str = "",
        secret: str = "",
        paused: bool = False,
    ) -> Webhook:
        return self._loop.run(
            self._webhooks.create(
                name,
                url,
                filter=filter,
                format=format,
                payload_template=payload_template,
                secret=secret,
                paused=paused,
            )
        )

    def get(self, name: str) -> Webhook:
        return self._loop.run(self._webhooks.get(name))

    def list(self, entity: str = "", *, filter: str = "", order_by: str = "") -> Iterator[Webhook]:
        pages = self._webhooks.list(entity, filter=filter, order_by=order_by)
        for page in self._loop.iterate(pages.pages()):
            yield from page

    def update(
        self,
        name: str,
        *,
        url: str | None = None,
        filter: WebhookFilter | None = None,
        format: WebhookFormat | None = None,
        payload_template: str | None = None,
        secret: str | None = None,
        etag: str = "",
    ) -> Webhook:
        return self._loop.run(
            self._webhooks.update(
                name,
                url=url,
                filter=filter,
                format=format,
                payload_template=payload_template,
                secret=secret,
                etag=etag,
            )
        )

    def pause(self, name: str) -> Webhook:
        return self._loop.run(self._webhooks.pause(name))

    def resume(self, name: str) -> Webhook:
        return self._loop.run(self._webhooks.resume(name))

    def delete(self, name: str, *, etag: str = "") -> None:
        self._loop.run(self._webhooks.delete(name, etag=etag))

    def test(self, name: str) -> WebhookDelivery:
        return self._loop.run(self._webhooks.test(name))

    def deliveries(
        self, name: str, *, filter: str = "", order_by: str = ""
    ) -> Iterator[WebhookDelivery]:
        pages = self._webhooks.deliveries(name, filter=filter, order_by=order_by)
        for page in self._loop.iterate(pages.pages()):
            yield from page

    def redeliver(self, name: str, delivery_id: str) -> WebhookDelivery:
        return self._loop.run(self._webhooks.redeliver(name, delivery_id))
