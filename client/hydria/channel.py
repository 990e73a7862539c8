"""How the channel to the server is opened.

Keepalive every 60 s is what a server with gRPC's usual ping limits accepts, and finds a dead peer
behind a middlebox. Reads are retried by gRPC itself for a second or two; everything that changes
something is left alone, because only its caller knows whether it may be sent twice.
"""

from __future__ import annotations

import json
import os

import grpc
from grpc import aio

from hydria.address import Address
from hydria.errors import ForkedProcessError

_READS = (
    "GetServerInfo",
    "GetUpload",
    "GetVersion",
    "ListVersions",
    "GetCollection",
    "ListCollections",
    "ListProjects",
    "ListTypes",
    "ListFiles",
)
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "hydria.v1.ArtifactService", "method": m} for m in _READS],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS = [
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # Clients in one process do not share a connection: each may be closed by itself.
    ("grpc.use_local_subchannel_pool", 1),
]
# Without the pings by which gRPC finds out how much may be under way: for small messages now and
# then they are a seventh of the work, on either side.
_TRICKLE_OPTIONS = [*_OPTIONS, ("grpc.http2.bdp_probe", 0)]


class _GrpcOfProcess:
    """Whether gRPC is in use here. Its threads outlive its channels, and do not survive a fork."""

    def __init__(self) -> None:
        self.is_in_use = False
        self.is_broken = False
        os.register_at_fork(after_in_child=self._mark_child)

    def _mark_child(self) -> None:
        self.is_broken = self.is_broken or self.is_in_use


_grpc = _GrpcOfProcess()


def check_not_forked() -> None:
    """Refuse to use gRPC where it would crash or hang.

    Raises:
        ForkedProcessError: this process was forked from one that had opened a channel.
    """
    if _grpc.is_broken:
        raise ForkedProcessError(
            "this process was forked after a Hydria client was used, and gRPC does not survive "
            "that: start workers by 'spawn' (multiprocessing.set_start_method, "
            "DataLoader(multiprocessing_context='spawn')), or use no client before the fork"
        )


def open_channel(address: Address, *, is_for_bulk: bool = True) -> aio.Channel:
    """Open a channel that belongs to the running event loop; it connects when it is used.

    Without bulk its window stays small: 64 KiB in each round trip.

    Raises:
        ForkedProcessError: as `check_not_forked`.
    """
    check_not_forked()
    options = _OPTIONS if is_for_bulk else _TRICKLE_OPTIONS
    if address.tls:
        credentials = grpc.ssl_channel_credentials()
        channel = aio.secure_channel(address.target, credentials, options=options)
    else:
        channel = aio.insecure_channel(address.target, options=options)
    _grpc.is_in_use = True
    return channel
