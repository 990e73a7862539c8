"""The services of webhooks on a store in memory, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter
from hydria_server.domain.records import EventDraft
from hydria_server.domain.webhooks import (
    DeliveryRecord,
    DeliveryState,
    WebhookFormat,
    WebhookRecord,
    WebhookWords,
)
from hydria_server.services.listings import ListRequest
from hydria_server.services.webhooks.services import WebhookLimits, WebhookServices
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.clocks import ManualClock
from tests.webhook_target import PATIENCE_SECONDS, Target, webhook_target

ENTITY = "team"
LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass(slots=True)
class Post:
    """Webhooks of one entity, and what tests do with them."""

    services: WebhookServices
    store: MetadataStore
    clock: ManualClock
    committed: asyncio.Event

    async def hook(
        self, url: str, name: str = "hook", *, filter_: EventFilter | None = None
    ) -> WebhookRecord:
        words = WebhookWords(url, filter_ or EventFilter(), WebhookFormat.JSON, "", "")
        return await self.services.webhooks.create(ENTITY, name, words)

    async def happen(self, *aliases: str, project: str = "birds", collection: str = "m") -> None:
        """Write an event for each alias, all in one transaction."""

        async def write(rows: Rows) -> None:
            entity = await rows.names.ensure_entity(ENTITY, now_us=self.clock())
            named = {"project": project, "collection": collection, "version": "v1"}
            drafts = [
                EventDraft(EventType.ALIAS_SET, data={**named, "alias": alias}) for alias in aliases
            ]
            await rows.events.record(entity.id, drafts, [], actor="me", now_us=self.clock())

        await self.store.write(write)

    async def record(self, name: str = "hook") -> WebhookRecord:
        return await self.services.webhooks.get(ENTITY, name)

    async def log(self, name: str = "hook") -> list[DeliveryRecord]:
        """Return the log, oldest first."""
        listed = await self.services.listings.deliveries(ENTITY, name, ListRequest())
        return list(reversed(listed.items))

    async def until(self, holds: Callable[[WebhookRecord], bool], name: str = "hook") -> None:
        """Wait until something holds of a webhook: looks after each commit."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(await self.record(name)):
                await self._next_commit()

    async def until_failed(self, attempts: int, name: str = "hook") -> None:
        await self.until(lambda webhook: webhook.progress.failed_attempts >= attempts, name)

    async def until_delivered(self, count: int, name: str = "hook") -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(d.state is DeliveryState.DELIVERED for d in await self.log(name)) < count:
                await self._next_commit()

    async def _next_commit(self) -> None:
        """Wait for a commit since the last time that somebody waited for one."""
        await self.committed.wait()
        self.committed.clear()

    def leap(self, seconds: float) -> None:
        """Let time pass, and let whoever waits for it look at the clock."""
        self.clock.advance(seconds)
        self.services.dispatcher.wake()


@dataclass(frozen=True, slots=True)
class Store:
    """A store in memory, and what is set after each of its commits."""

    rows: MetadataStore
    committed: asyncio.Event


@asynccontextmanager
async def open_post(
    store: Store, clock: ManualClock, *, limits: WebhookLimits | None = None
) -> AsyncIterator[Post]:
    """Run the dispatcher on a store, as a server would."""
    limits = limits or WebhookLimits(networks=LOOPBACK, timeout_seconds=20)
    services = WebhookServices(store.rows, clock, limits, store_id="store")
    running = asyncio.create_task(services.dispatcher.run())
    try:
        yield Post(services, store.rows, clock, store.committed)
    finally:
        await services.close(0.2)
        await running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    committed = asyncio.Event()

    def note(step: str) -> None:
        if step == "metadata.after_commit":
            committed.set()

    rows = await SqlMetadataStore.open_in_memory(failpoint=note)
    yield Store(rows, committed)
    await rows.close()


@pytest.fixture
async def post(store: Store, clock: ManualClock) -> AsyncIterator[Post]:
    async with open_post(store, clock) as post:
        yield post


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with webhook_target() as target:
        yield target
