"""All services of registries, wired to the services of artifacts."""

from __future__ import annotations

from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.links import Links
from hydria_server.services.protection import Protections
from hydria_server.services.registered_models import RegisteredModels
from hydria_server.services.registries import Registries
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore


class RegistryServices:
    """What the wire calls. Registered models and links are collections and versions, too."""

    def __init__(self, artifacts: ArtifactServices, metadata: MetadataStore, clock: Clock) -> None:
        """Wire everything."""
        self.listings = artifacts.listings
        self.registries = Registries(metadata, clock)
        self.models = RegisteredModels(metadata, clock)
        self.links = Links(metadata, clock)
        self.protections = Protections(metadata, clock)
        self.alias_history = artifacts.alias_history
