"""All services of registries, wired to the services of artifacts."""

from __future__ import annotations

from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.deployment_listing import DeploymentListing
from hydria_server.services.deployments import Deployments
from hydria_server.services.event_hub import EventHub
from hydria_server.services.event_listing import EventListing
from hydria_server.services.event_retention import EventRetention, Retention
from hydria_server.services.links import Links
from hydria_server.services.protection import Protections
from hydria_server.services.registered_models import RegisteredModels
from hydria_server.services.registries import Registries
from hydria_server.services.search import Search
from hydria_server.services.sessions import Clock
from hydria_server.services.watch_tokens import WatchTokens
from hydria_server.services.watching import Watches
from hydria_server.services.webhooks.services import WebhookServices
from hydria_server.storage.metadata.interface import MetadataStore


class RegistryServices:
    """What the wire calls. Registered models and links are collections and versions, too."""

    def __init__(
        self,
        artifacts: ArtifactServices,
        metadata: MetadataStore,
        clock: Clock,
        webhooks: WebhookServices,
    ) -> None:
        """Wire everything."""
        self.listings = artifacts.listings
        self.search = Search(artifacts.listings)
        self.registries = Registries(metadata, clock)
        self.models = RegisteredModels(metadata, clock)
        self.links = Links(metadata, clock)
        self.webhooks = webhooks
        self.protections = Protections(metadata, clock)
        self.alias_history = artifacts.alias_history
        self.deployments = Deployments(
            metadata, clock, keep_seconds=artifacts.limits.deployment_retention_seconds
        )
        self.deployment_listing = DeploymentListing(metadata, clock)
        self._wire_history(artifacts, metadata, clock)

    def _wire_history(
        self, artifacts: ArtifactServices, metadata: MetadataStore, clock: Clock
    ) -> None:
        """Wire what reads the history. `hub.run()` must run, `hub.close()` ends all watches."""
        limits = artifacts.limits
        self.hub = EventHub(metadata)
        self.tokens = WatchTokens(artifacts.store.store_id)
        self.events = EventListing(metadata)
        self.watches = Watches(
            metadata, self.hub, self.tokens, clock, watches_max=limits.watches_max
        )
        keep = Retention(limits.event_retention_seconds, limits.webhook_retention_seconds)
        self.retention = EventRetention(
            metadata, clock, keep, note_places=self.webhooks.note_places
        )
