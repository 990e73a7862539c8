"""All services of registries, wired to the services of artifacts."""

from __future__ import annotations

from hydria_server.services.webhooks.services import WebhookServices


class RegistryServices:
    """What the wire calls."""

    def __init__(self, webhooks: WebhookServices) -> None:
        """Wire everything."""
        self.webhooks = webhooks
