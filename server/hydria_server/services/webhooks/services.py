"""All services of webhooks, wired to one metadata store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.targets import Network
from hydria_server.services.sessions import Clock
from hydria_server.services.webhooks.attempts import Attempts
from hydria_server.services.webhooks.courier import Courier
from hydria_server.services.webhooks.dispatcher import WebhookDispatcher
from hydria_server.services.webhooks.listings import WebhookListings
from hydria_server.services.webhooks.networks import Networks
from hydria_server.services.webhooks.sending import Sender
from hydria_server.services.webhooks.webhooks import Webhooks
from hydria_server.storage.metadata.interface import MetadataStore


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """What an operator may choose about webhooks."""

    networks: Sequence[Network] = ()  # that may be called although they are not public
    timeout_seconds: float = 10.0
    attempts_max: int = 24
    log_max: int = 1000  # deliveries that are kept of each webhook


class WebhookServices:
    """What the wire calls. `dispatcher.run()` must run for anything to be delivered."""

    def __init__(
        self, metadata: MetadataStore, clock: Clock, limits: WebhookLimits, *, store_id: str
    ) -> None:
        """Wire everything."""
        networks = Networks(limits.networks)
        self.sender = Sender(networks, timeout_seconds=limits.timeout_seconds)
        attempts = Attempts(self.sender, clock, attempts_max=limits.attempts_max)
        courier = Courier(metadata, attempts, clock, store_id=store_id, log_max=limits.log_max)
        self.dispatcher = WebhookDispatcher(metadata, courier, clock)
        self.webhooks = Webhooks(metadata, courier, networks, clock, wake=self.dispatcher.wake)
        self.listings = WebhookListings(metadata)
        self.note_places = courier.note_places
        metadata.on_events(self.dispatcher.notice)

    async def close(self, seconds: float) -> None:
        """Let deliveries under way end, for so long at most, and close connections."""
        await self.dispatcher.close(seconds)
        await self.sender.close()
