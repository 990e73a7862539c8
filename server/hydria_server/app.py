"""The composition root: stores, services, servicers, server; the only file that names backends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from hydria.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    lineage_pb2,
    lineage_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
)
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.process.directory_lock import DirectoryLock
from hydria_server.process.failpoints import failpoint_from
from hydria_server.process.socket_file import is_taken
from hydria_server.rpc.access_log import AccessLogInterceptor
from hydria_server.rpc.artifact import ArtifactServicer
from hydria_server.rpc.drain import Drain
from hydria_server.rpc.edge import EdgeInterceptor
from hydria_server.rpc.errors import ErrorInterceptor
from hydria_server.rpc.hot_messages import HotMessagesInterceptor
from hydria_server.rpc.kept_handlers import GenericRegistration, KeptHandlersInterceptor
from hydria_server.rpc.lineage import LineageServicer
from hydria_server.rpc.registry import RegistryServicer
from hydria_server.services.artifact import ArtifactServices, Limits, Stores, Threads
from hydria_server.services.hashing import Hashing
from hydria_server.services.lineage import LineageServices
from hydria_server.services.registry import RegistryServices
from hydria_server.services.webhooks.services import WebhookLimits, WebhookServices
from hydria_server.settings import Settings
from hydria_server.storage.metadata.interface import MetadataStore
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.interface import PackStore

DATABASE_FILE = "meta.db"
PACKS_DIRECTORY = "packs"
ARTIFACT_SERVICE = artifact_pb2.DESCRIPTOR.services_by_name["ArtifactService"].full_name
REGISTRY_SERVICE = registry_pb2.DESCRIPTOR.services_by_name["RegistryService"].full_name
LINEAGE_SERVICE = lineage_pb2.DESCRIPTOR.services_by_name["LineageService"].full_name
SERVICES = (ARTIFACT_SERVICE, REGISTRY_SERVICE, LINEAGE_SERVICE)
SWEEP_SECONDS = 30.0

_OPTIONS = [
    ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a silent twin
    ("grpc.max_concurrent_streams", 128),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
]

_log = logging.getLogger("hydria.app")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that accepts calls at `address`; `failed` is set when its store gave up."""

    address: str
    services: ArtifactServices
    registry: RegistryServices
    lineage: LineageServices
    failed: asyncio.Event


@dataclass(frozen=True, slots=True)
class _Served:
    """What the wire calls."""

    services: ArtifactServices
    registry: RegistryServices
    lineage: LineageServices


def microseconds_now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[RunningServer]:
    """Run a server on the embedded default, SQLite and local disk, until the block is left.

    Leaving it drains: health says NOT_SERVING, streams are told, calls may finish, stores close.

    Raises:
        StorageUnavailableError: the data directory is in use or cannot be written, or the address
            cannot be bound.
    """
    lock = await asyncio.to_thread(DirectoryLock.acquire, settings.data)
    failed = asyncio.Event()
    failpoint = failpoint_from(settings.failpoint)

    def on_fatal(error: BaseException) -> None:
        _log.critical("the store failed and takes no more writes", exc_info=error)
        failed.set()

    try:
        metadata = await SqlMetadataStore.open(
            settings.data / DATABASE_FILE, on_fatal=on_fatal, failpoint=failpoint
        )
        try:
            packs = await DiskPackStore.open(
                settings.data / PACKS_DIRECTORY,
                reserve_bytes=settings.reserve_bytes // 2,
                on_fatal=on_fatal,
                failpoint=failpoint,
            )
            try:
                async with serve_stores(settings, packs, metadata, failed=failed) as running:
                    yield running
            finally:
                await packs.close()
        finally:
            await metadata.close()
    finally:
        lock.release()


@asynccontextmanager
async def serve_stores(
    settings: Settings,
    packs: PackStore,
    metadata: MetadataStore,
    *,
    failed: asyncio.Event,
    clock: Callable[[], int] = microseconds_now,
) -> AsyncIterator[RunningServer]:
    """Run a server on any stores, until the block is left. The caller closes the stores."""
    threads = Threads(Hashing(), Hashing())
    info = await metadata.read(lambda rows: rows.store.info())
    stores = Stores(packs, metadata, info)
    services = ArtifactServices(stores, clock, _limits(settings), threads)
    webhooks = WebhookServices(metadata, clock, _webhook_limits(settings), store_id=info.store_id)
    registry = RegistryServices(services, metadata, clock, webhooks)
    lineage = LineageServices(
        services, metadata, clock, threads.merging, silence_seconds=settings.run_silence_seconds
    )
    served = _Served(services, registry, lineage)
    drain = Drain()
    drain.begun.add_done_callback(lambda _: webhooks.dispatcher.stop())
    drain.begun.add_done_callback(lambda _: registry.hub.close())
    background = asyncio.create_task(_background(served))
    # It ends only by being cancelled; if it fails, nothing could be written any more.
    background.add_done_callback(lambda task: None if task.cancelled() else failed.set())
    try:
        async with _listening(settings, served, drain) as address:
            yield RunningServer(address, services, registry, lineage, failed)
    finally:
        await webhooks.close(settings.drain_seconds)
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)
        threads.hashing.close()
        threads.merging.close()


@asynccontextmanager
async def _listening(settings: Settings, served: _Served, drain: Drain) -> AsyncIterator[str]:
    seconds = settings.stall_timeout_seconds
    server = grpc.aio.server(
        interceptors=[
            KeptHandlersInterceptor(),
            AccessLogInterceptor(),
            ErrorInterceptor(stall_timeout_seconds=seconds),
            EdgeInterceptor(stall_timeout_seconds=seconds),
            HotMessagesInterceptor(),
        ],
        options=_OPTIONS,
    )
    methods = cast("grpc.aio.Server", GenericRegistration(server))
    artifact_pb2_grpc.add_ArtifactServiceServicer_to_server(
        ArtifactServicer(served.services, drain), methods
    )
    registry_pb2_grpc.add_RegistryServiceServicer_to_server(
        RegistryServicer(served.registry, drain), methods
    )
    lineage_pb2_grpc.add_LineageServiceServicer_to_server(
        LineageServicer(served.lineage, drain, stall_timeout_seconds=seconds), methods
    )
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, methods)
    if settings.reflection:
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]
            reflection.aio.ReflectionServicer(names), methods
        )
    address = _bind(server, settings.listen)
    await server.start()
    for name in ("", *SERVICES):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield address
    finally:
        await checks.enter_graceful_shutdown()
        drain.begin()
        await server.stop(settings.drain_seconds)


def _bind(server: grpc.aio.Server, listen: str) -> str:
    """Bind the address; return it with the port that was chosen.

    Raises:
        StorageUnavailableError: it is in use, or not this machine's.
    """
    problem = StorageUnavailableError(
        f"{listen} cannot be bound: another program has it, or it is not an address of this "
        "machine; choose another with --listen"
    )
    if listen.startswith("unix:") and is_taken(listen.removeprefix("unix://")):
        raise problem
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise problem from error
    if listen.startswith("unix:"):
        return listen
    if port == 0:
        raise problem
    return f"{listen.rpartition(':')[0]}:{port}"


def _limits(settings: Settings) -> Limits:
    return Limits(
        upload_lease_seconds=settings.upload_lease_seconds,
        open_uploads_max=settings.open_uploads_max,
        byte_budget=settings.byte_budget,
        reserve_bytes=settings.reserve_bytes,
        stall_timeout_seconds=settings.stall_timeout_seconds,
        watches_max=settings.watches_max,
        event_retention_seconds=settings.event_retention_seconds,
        webhook_retention_seconds=settings.webhook_retention_seconds,
        deployment_retention_seconds=settings.deployment_retention_seconds,
    )


def _webhook_limits(settings: Settings) -> WebhookLimits:
    return WebhookLimits(
        networks=settings.networks(),
        timeout_seconds=settings.webhook_timeout_seconds,
        attempts_max=settings.webhook_attempts_max,
        log_max=settings.webhook_log_max,
    )


async def _background(served: _Served) -> None:
    registry = served.registry
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(served.services.ingest.run())
        tasks.create_task(registry.hub.run())
        tasks.create_task(registry.webhooks.dispatcher.run())
        tasks.create_task(_sweep("expiring uploads", served.services.sessions.expire_due))
        tasks.create_task(_sweep("forgetting events", registry.retention.forget_old))
        tasks.create_task(_sweep("forgetting deployments", registry.deployments.forget_old))
        tasks.create_task(_sweep("looking for silent runs", served.lineage.silence.crash_silent))


async def _sweep(name: str, sweep: Callable[[], Awaitable[int]]) -> None:
    """Do away with what is over, now and then: uploads, events, runs that fell silent."""
    while True:
        try:
            await sweep()
        except Exception:  # noqa: BLE001 - logged; a sweep that fails is tried again
            _log.exception("%s failed; it is tried again", name)
        await asyncio.sleep(SWEEP_SECONDS)
