"""The registry service on the wire."""

from __future__ import annotations

from hydria.v1 import registry_pb2_grpc
from hydria_server.rpc.alias_history import AliasHistoryRpcs
from hydria_server.rpc.deployments import DeploymentRpcs
from hydria_server.rpc.events import EventRpcs
from hydria_server.rpc.links import LinkRpcs
from hydria_server.rpc.registries import RegistriesRpcs
from hydria_server.rpc.search import SearchRpcs
from hydria_server.rpc.webhooks import WebhookRpcs


class RegistryServicer(
    RegistriesRpcs,
    LinkRpcs,
    AliasHistoryRpcs,
    EventRpcs,
    SearchRpcs,
    WebhookRpcs,
    DeploymentRpcs,
    registry_pb2_grpc.RegistryServiceServicer,
):
    """Converts, calls a service, converts. The families of calls have a file each."""
