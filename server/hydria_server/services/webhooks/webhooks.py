"""Webhooks: make, read, change, delete, try, and deliver again by hand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Final

from hydria_server.domain.errors import FieldViolationError, NotFoundError, ResourceInUseError
from hydria_server.domain.events import EventFilter
from hydria_server.domain.names import require_name
from hydria_server.domain.payload_templates import require_template
from hydria_server.domain.targets import require_target
from hydria_server.domain.webhook_errors import TooManyWebhooksError
from hydria_server.domain.webhook_signatures import new_secret, require_secret
from hydria_server.domain.webhooks import (
    MAX_WEBHOOKS_PER_ENTITY,
    DeliveryRecord,
    DeliveryState,
    WebhookFormat,
    WebhookRecord,
    WebhookState,
    WebhookWords,
)
from hydria_server.services.etags import require_etag
from hydria_server.services.event_selection import checked_filter
from hydria_server.services.sessions import Clock
from hydria_server.services.webhooks.courier import Courier, resumed
from hydria_server.services.webhooks.networks import Networks
from hydria_server.services.webhooks.payloads import TEST_TYPE, body_of, test_event
from hydria_server.storage.metadata.interface import MetadataStore, Rows

BY_HAND_MAX: Final = 16  # requests at once; others wait


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """New words about a webhook; None leaves what is there. An empty secret makes a new one."""

    target_url: str | None = None
    filter: EventFilter | None = None
    format: WebhookFormat | None = None
    payload_template: str | None = None
    secret: str | None = None
    state: WebhookState | None = None


class Webhooks:
    """Keeps webhooks. Secrets go in, and out once, where they are made or replaced."""

    def __init__(
        self,
        metadata: MetadataStore,
        courier: Courier,
        networks: Networks,
        clock: Clock,
        *,
        wake: Callable[[], None],
    ) -> None:
        """Make it; `wake` is called when something may be to deliver."""
        self._metadata = metadata
        self._courier = courier
        self._networks = networks
        self._clock = clock
        self._wake = wake
        self._by_hand = asyncio.Semaphore(BY_HAND_MAX)

    async def create(self, entity: str, name: str, words: WebhookWords) -> WebhookRecord:
        """Make a webhook, which is told of what happens from now on.

        Raises:
            NameInvalidError, FieldViolationError: a field is malformed.
            WebhookTargetRefusedError: the target may not be called.
            AlreadyExistsError: the entity has a webhook of that name.
            TooManyWebhooksError: the entity has as many as it may have.
        """
        require_name(entity, field="entity")
        require_name(name, field="name")
        words = replace(words, secret=_secret_of(words.secret), filter=checked_filter(words.filter))
        await self._check(words)

        async def insert(rows: Rows) -> WebhookRecord:
            now = self._clock()
            owner = await rows.names.ensure_entity(entity, now_us=now)
            if await rows.webhooks.count(owner.id) >= MAX_WEBHOOKS_PER_ENTITY:
                raise TooManyWebhooksError(
                    f"{entity} has {MAX_WEBHOOKS_PER_ENTITY} webhooks; delete one"
                )
            await rows.webhooks.insert(owner.id, name, words, now_us=now)
            return await require_webhook(rows, entity, name)

        return await self._metadata.write(insert)

    async def get(self, entity: str, name: str) -> WebhookRecord:
        """Return a webhook.

        Raises:
            NameInvalidError: a name breaks the rules.
            NotFoundError: there is none of that name.
        """
        return await self._metadata.read(lambda rows: require_webhook(rows, entity, name))

    async def update(
        self, entity: str, name: str, change: WebhookChange, *, etag: str
    ) -> WebhookRecord:
        """Change a webhook; what waits is tried at once.

        Raises:
            EtagMismatchError: it was changed since `etag` was read. And as `create` and `get`.
        """
        if change.secret is not None:
            change = replace(change, secret=_secret_of(change.secret))
        if change.filter is not None:
            change = replace(change, filter=checked_filter(change.filter))
        before = await self.get(entity, name)
        await self._check(_changed(before.words, change), is_new=change.target_url is not None)

        async def apply(rows: Rows) -> WebhookRecord:
            webhook = await require_webhook(rows, entity, name)
            require_etag(webhook.revision, etag)
            words = _changed(webhook.words, change)
            _check_together(words)
            await rows.webhooks.update(webhook.id, words, now_us=self._clock())
            scanned = self._courier.scanned_seq(webhook.id)
            await rows.webhooks.advance(webhook.id, resumed(webhook.progress, scanned_seq=scanned))
            return await require_webhook(rows, entity, name)

        with self._courier.idle.changing(before.id):
            changed = await self._metadata.write(apply)
        self._wake()
        return changed

    async def delete(self, entity: str, name: str, *, etag: str) -> None:
        """Delete a webhook and its deliveries.

        Raises:
            EtagMismatchError: it was changed since `etag` was read. And as `get`.
        """
        before = await self.get(entity, name)

        async def apply(rows: Rows) -> None:
            webhook = await require_webhook(rows, entity, name)
            require_etag(webhook.revision, etag)
            await rows.webhooks.delete(webhook.id)

        with self._courier.idle.changing(before.id):
            await self._metadata.write(apply)

    async def test(self, entity: str, name: str) -> DeliveryRecord:
        """Send a made-up event once, now, whatever the filter and the state.

        Raises:
            As `get`.
        """
        webhook = await self.get(entity, name)
        now, delivery_id = self._clock(), f"msg_{uuid.uuid4().hex}"
        event = test_event(entity, delivery_id, now_us=now)
        delivery = DeliveryRecord(
            webhook_id=webhook.id,
            delivery_id=delivery_id,
            event_seq=None,
            event_type=TEST_TYPE,
            state=DeliveryState.PENDING,
            body=body_of(webhook.words, event),
            created_at_us=now,
        )
        async with self._by_hand:
            return await self._courier.send_once(webhook, delivery)

    async def redeliver(self, entity: str, name: str, delivery_id: str) -> DeliveryRecord:
        """Send what a delivery holds once more, now.

        Raises:
            NotFoundError: the log has no such delivery. And as `get`.
            ResourceInUseError: it is still being delivered.
        """

        async def find(rows: Rows) -> tuple[WebhookRecord, DeliveryRecord]:
            webhook = await require_webhook(rows, entity, name)
            found = await rows.webhooks.delivery(webhook.id, delivery_id)
            if found is None:
                raise NotFoundError(f"the log of {name!r} has no delivery {delivery_id[:80]!r}")
            return webhook, found

        webhook, delivery = await self._metadata.read(find)
        if delivery.state is DeliveryState.PENDING:
            raise ResourceInUseError(
                "it is still being delivered, in its turn", details={"delivery_id": delivery_id}
            )
        async with self._by_hand:
            return await self._courier.send_once(webhook, delivery)

    async def _check(self, words: WebhookWords, *, is_new: bool = True) -> None:
        """Raise as `create` when words are not well formed, or lead where nobody may go."""
        require_template(words.payload_template, field="payload_template")
        _check_together(words)
        if is_new:
            target = require_target(words.target_url, field="target_url")
            await self._networks.require(target, field="target_url")


async def require_webhook(rows: Rows, entity: str, name: str) -> WebhookRecord:
    """Return a webhook. Raises as `Webhooks.get`."""
    require_name(entity, field="entity")
    require_name(name, field="name")
    found = await rows.webhooks.by_name(entity, name)
    if found is None:
        raise NotFoundError(f"{entity} has no webhook {name!r}")
    return found


def _secret_of(given: str) -> str:
    return require_secret(given, field="secret") if given else new_secret()


def _changed(words: WebhookWords, change: WebhookChange) -> WebhookWords:
    given = {field.name: getattr(change, field.name) for field in fields(change)}
    return replace(words, **{name: new for name, new in given.items() if new is not None})


def _check_together(words: WebhookWords) -> None:
    if words.payload_template and words.format is not WebhookFormat.JSON:
        raise FieldViolationError("payload_template", "only the format JSON has a template")
