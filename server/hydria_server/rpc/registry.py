"""The registry service on the wire."""

from __future__ import annotations

from hydria.v1 import registry_pb2_grpc
from hydria_server.rpc.deployments import DeploymentRpcs
from hydria_server.rpc.events import EventRpcs
from hydria_server.rpc.links import LinkRpcs
from hydria_server.rpc.registries import RegistriesRpcs


class RegistryServicer(
    RegistriesRpcs,
    LinkRpcs,
    EventRpcs,
    DeploymentRpcs,
    registry_pb2_grpc.RegistryServiceServicer,
):
    """Converts, calls a service, converts. The families of calls have a file each."""
