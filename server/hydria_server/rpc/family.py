"""What all calls share: the services that they are converted for, and who calls."""

from __future__ import annotations

from typing import Generic, TypeVar

from hydria_server.domain.roles import Role
from hydria_server.rpc.calls import Context
from hydria_server.rpc.drain import Drain
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.registry import RegistryServices

S = TypeVar("S")

_ANONYMOUS = "anonymous"


class Rpcs(Generic[S]):
    """Holds the services of one family. Without authentication nobody has a name."""

    def __init__(self, services: S, drain: Drain) -> None:
        self.services = services
        self.drain = drain

    def actor(self, context: Context) -> str:
        """Return who calls, for the history."""
        return _ANONYMOUS

    def role(self, context: Context) -> Role:
        """Return what the caller may do. Without authentication: everything."""
        return Role.ADMIN


class ArtifactRpcs(Rpcs[ArtifactServices]):
    """The calls of the artifact service."""


class RegistryRpcs(Rpcs[RegistryServices]):
    """The calls of the registry service."""
