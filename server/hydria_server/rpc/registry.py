"""The registry service on the wire."""

from __future__ import annotations

from hydria.v1 import registry_pb2_grpc
from hydria_server.rpc.alias_history import AliasHistoryRpcs
from hydria_server.rpc.links import LinkRpcs
from hydria_server.rpc.registries import RegistriesRpcs


class RegistryServicer(
    RegistriesRpcs, LinkRpcs, AliasHistoryRpcs, registry_pb2_grpc.RegistryServiceServicer
):
    """Converts, calls a service, converts. The families of calls have a file each."""
