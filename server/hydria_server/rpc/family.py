"""What all calls of the artifact service share."""

from __future__ import annotations

from hydria_server.rpc.calls import Context
from hydria_server.rpc.drain import Drain
from hydria_server.services.artifact import ArtifactServices

ANONYMOUS = "anonymous"


class ArtifactRpcs:
    """Holds the services that calls are converted for."""

    def __init__(self, services: ArtifactServices, drain: Drain) -> None:
        self.services = services
        self.drain = drain

    def actor(self, context: Context) -> str:
        """Return who calls, for the history."""
        return ANONYMOUS
