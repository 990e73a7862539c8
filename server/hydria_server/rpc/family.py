"""What all calls of the artifact service share."""

from __future__ import annotations

from hydria_server.domain.roles import Role
from hydria_server.rpc.calls import Context
from hydria_server.rpc.drain import Drain
from hydria_server.services.artifact import ArtifactServices

ANONYMOUS = "anonymous"


def role_of(context: Context) -> Role:
    """Return what a caller may do, for all services. Without authentication: everything."""
    return Role.ADMIN


class ArtifactRpcs:
    """Holds the services that calls are converted for."""

    def __init__(self, services: ArtifactServices, drain: Drain) -> None:
        self.services = services
        self.drain = drain

    def actor(self, context: Context) -> str:
        """Return who calls, for the history."""
        return ANONYMOUS

    def role(self, context: Context) -> Role:
        """Return what the caller may do."""
        return role_of(context)
