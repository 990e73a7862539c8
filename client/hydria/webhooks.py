"""Webhooks: who is told what happens, and what became of it: `AsyncClient.webhooks`."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from hydria.connection import Connection
from hydria.errors import RefInvalidError
from hydria.pages import PAGE_SIZE, Pages
from hydria.refs import Defaults
from hydria.v1 import registry_pb2 as pb
from hydria.webhook_messages import FORMATS, STATES, UNSAID, delivery_of, filter_message, webhook_of
from hydria.webhook_records import (
    Webhook,
    WebhookDelivery,
    WebhookFilter,
    WebhookFormat,
    WebhookState,
)

_DELIVERIES_PER_PAGE = 100  # they bring their bodies
# Longer than any server lets a target take.
_BY_HAND_SECONDS = 300.0
ALL_EVENTS = WebhookFilter()


class AsyncWebhooks:
    """The webhooks of an entity. Each is called `[ENTITY/]NAME`.

    Every method raises a `HydriaError` for what the server or the connection says.
    """

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self._connection = connection
        self._defaults = defaults

    async def create(
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
        """Make a webhook, which is told of what happens from now on; return it with its secret.

        Args:
            name: a new name within the entity.
            url: `https://...` with a public address, unless the operator allows others.
            filter: which events.
            format: what is sent.
            payload_template: JSON with `${event.alias}` and the like in its texts; empty for the
                event as the server writes it.
            secret: `whsec_` and Base64 of 24 to 64 bytes; empty lets the server make one.
            paused: begin when `resume` is called.

        Raises:
            AlreadyExistsError: there is one of that name.
            InvalidArgumentError: the URL may not be called, or something is malformed.
        """
        entity, bare = self._split(name)
        request = pb.CreateWebhookRequest(
            entity=entity,
            name=bare,
            target_url=url,
            filter=filter_message(filter),
            format=FORMATS[WebhookFormat(format)],
            payload_template=payload_template,
            secret=secret,
            paused=paused,
        )
        method = self._connection.registry_stub.CreateWebhook
        response = await self._connection.call(method, request)
        return webhook_of(response.webhook, secret=response.secret)

    async def get(self, name: str) -> Webhook:
        """Return a webhook, without its secret."""
        entity, bare = self._split(name)
        request = pb.GetWebhookRequest(entity=entity, name=bare)
        method = self._connection.registry_stub.GetWebhook
        return webhook_of((await self._connection.call(method, request)).webhook)

    def list(self, entity: str = "", *, filter: str = "", order_by: str = "") -> Pages[Webhook]:
        """Return the webhooks of an entity, by name."""

        async def fetch(token: str) -> tuple[list[Webhook], str]:
            request = pb.ListWebhooksRequest(
                entity=entity or self._defaults.entity,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            method = self._connection.registry_stub.ListWebhooks
            page = await self._connection.call(method, request)
            return [webhook_of(item) for item in page.webhooks], page.next_page_token

        return Pages(fetch)

    async def update(
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
        """Change what is given; what waits for its next attempt is tried at once.

        An empty secret lets the server make one. A new one comes with the result, and the old one
        is forgotten at once.

        Raises:
            EtagMismatchError: it was changed since `etag` was read.
        """
        request = pb.UpdateWebhookRequest(
            target_url=url or "",
            filter=filter_message(filter) if filter is not None else None,
            format=FORMATS[WebhookFormat(format)] if format is not None else UNSAID,
            payload_template=payload_template or "",
            secret=secret or "",
            etag=etag,
        )
        given = {
            "target_url": url,
            "filter": filter,
            "format": format,
            "payload_template": payload_template,
            "secret": secret,
        }
        return await self._update(name, request, [key for key in given if given[key] is not None])

    async def pause(self, name: str) -> Webhook:
        """Stop delivering. What happens meanwhile is delivered when it goes on."""
        return await self._set_state(name, WebhookState.PAUSED)

    async def resume(self, name: str) -> Webhook:
        """Go on delivering; what waits for its next attempt is tried at once."""
        return await self._set_state(name, WebhookState.ACTIVE)

    async def _set_state(self, name: str, state: WebhookState) -> Webhook:
        return await self._update(name, pb.UpdateWebhookRequest(state=STATES[state]), ["state"])

    async def _update(
        self, name: str, request: pb.UpdateWebhookRequest, paths: Sequence[str]
    ) -> Webhook:
        request.entity, request.name = self._split(name)
        request.update_mask.CopyFrom(FieldMask(paths=paths))
        method = self._connection.registry_stub.UpdateWebhook
        response = await self._connection.call(method, request)
        return webhook_of(response.webhook, secret=response.secret)

    async def delete(self, name: str, *, etag: str = "") -> None:
        """Delete a webhook and its deliveries."""
        entity, bare = self._split(name)
        request = pb.DeleteWebhookRequest(entity=entity, name=bare, etag=etag)
        await self._connection.call(self._connection.registry_stub.DeleteWebhook, request)

    # --- deliveries -----------------------------------------------------------------------------

    async def test(self, name: str) -> WebhookDelivery:
        """Send a made-up event of the type `test` at once; return what came of it."""
        entity, bare = self._split(name)
        request = pb.TestWebhookRequest(entity=entity, name=bare)
        method = self._connection.registry_stub.TestWebhook
        response = await self._connection.call(method, request, timeout_seconds=_BY_HAND_SECONDS)
        return delivery_of(response.delivery)

    def deliveries(
        self, name: str, *, filter: str = "", order_by: str = ""
    ) -> Pages[WebhookDelivery]:
        """Return the deliveries in the log of a webhook, newest first.

        Args:
            name: the webhook.
            filter: e.g. `state = DEAD`.
            order_by: e.g. `created_at`.
        """
        entity, bare = self._split(name)

        async def fetch(token: str) -> tuple[list[WebhookDelivery], str]:
            request = pb.ListWebhookDeliveriesRequest(
                entity=entity,
                name=bare,
                filter=filter,
                order_by=order_by,
                page_size=_DELIVERIES_PER_PAGE,
                page_token=token,
            )
            method = self._connection.registry_stub.ListWebhookDeliveries
            page = await self._connection.call(method, request)
            return [delivery_of(item) for item in page.deliveries], page.next_page_token

        return Pages(fetch)

    async def redeliver(self, name: str, delivery_id: str) -> WebhookDelivery:
        """Send what a delivery holds once more, at once; return what came of it.

        Raises:
            ResourceInUseError: it is still being delivered.
        """
        entity, bare = self._split(name)
        request = pb.RedeliverWebhookRequest(entity=entity, name=bare, delivery_id=delivery_id)
        method = self._connection.registry_stub.RedeliverWebhook
        response = await self._connection.call(method, request, timeout_seconds=_BY_HAND_SECONDS)
        return delivery_of(response.delivery)

    def _split(self, name: str) -> tuple[str, str]:
        entity, slash, bare = name.rpartition("/")
        if not bare or "/" in entity or (slash and not entity):
            raise RefInvalidError(f"{name!r} is not [ENTITY/]WEBHOOK")
        return entity or self._defaults.entity, bare
