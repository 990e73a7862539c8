"""Servers for tests: in this process on any stores, or the program in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

from hydria.v1 import artifact_pb2_grpc
from hydria_server.app import microseconds_now, serve_stores
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.lineage import LineageServices
from hydria_server.services.registry import RegistryServices
from hydria_server.settings import Settings
from hydria_server.storage.metadata.interface import MetadataStore
from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.interface import PackStore
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.faults.forked_servers import ForkedServer, forked_server

STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A server in this process, with a stub to call it by."""

    address: str
    stub: artifact_pb2_grpc.ArtifactServiceAsyncStub
    channel: grpc.aio.Channel
    services: ArtifactServices
    registry: RegistryServices
    lineage: LineageServices
    packs: PackStore
    metadata: MetadataStore


def settings_for_tests(
    *, stall_timeout_seconds: float = 120.0, byte_budget: int = 64 << 20
) -> Settings:
    """Return settings for a server in this process, with what a test wants otherwise."""
    return Settings(
        data=Path("unused"),
        listen="127.0.0.1:0",
        drain_seconds=0.5,
        stall_timeout_seconds=stall_timeout_seconds,
        byte_budget=byte_budget,
        webhook_networks="127.0.0.0/8",  # where the targets of tests are
    )


@asynccontextmanager
async def memory_server(
    *,
    settings: Settings | None = None,
    packs: PackStore | None = None,
    metadata: MetadataStore | None = None,
    clock: Callable[[], int] = microseconds_now,
) -> AsyncIterator[Server]:
    """Serve memory stores, or those that are given."""
    packs = packs or MemoryPackStore()
    metadata = metadata or await SqlMetadataStore.open_in_memory()
    settings = settings or settings_for_tests()
    try:
        async with _stubbed(settings, packs, metadata, clock) as server:
            yield server
    finally:
        await packs.close()
        await metadata.close()


@asynccontextmanager
async def disk_server(
    data: Path,
    *,
    settings: Settings | None = None,
    clock: Callable[[], int] = microseconds_now,
) -> AsyncIterator[Server]:
    """Serve SQLite and packs below `data`."""
    packs = await DiskPackStore.open(data / "packs")
    metadata = await SqlMetadataStore.open(data / "meta.db")
    async with memory_server(
        packs=packs, metadata=metadata, settings=settings, clock=clock
    ) as server:
        yield server


@asynccontextmanager
async def _stubbed(
    settings: Settings, packs: PackStore, metadata: MetadataStore, clock: Callable[[], int]
) -> AsyncIterator[Server]:
    failed = asyncio.Event()
    async with (
        serve_stores(settings, packs, metadata, failed=failed, clock=clock) as running,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        stub = artifact_pb2_grpc.ArtifactServiceStub(channel)
        yield Server(
            running.address,
            stub,
            channel,
            running.services,
            running.registry,
            running.lineage,
            packs,
            metadata,
        )


ServerProcess: TypeAlias = ForkedServer


@contextmanager
def server_process(
    data: Path, *flags: str, environ: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Run the program on `data`, on a free port; it is killed at the end if it still runs."""
    with forked_server(data, *flags, environ=environ) as server:
        assert server.address, f"the server did not start: {server.log.read_text()[-2000:]}"
        yield server


@dataclass(slots=True)
class ServerProgram:
    """The server program, started as a user would start it."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def wait(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        return self.process.wait(STOP_SECONDS)


@contextmanager
def server_program(
    data: Path, *flags: str, environ: Mapping[str, str] | None = None
) -> Iterator[ServerProgram]:
    """Run the same, from the command line on: for tests of how it starts and of what it is told."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    log = data.parent / f"{data.name}.log"
    listen = () if "--listen" in flags else ("--listen", "127.0.0.1:0")
    command = [sys.executable, "-m", "hydria_server", "--data", str(data), *listen, *flags]
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**clean, **(environ or {})},
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
        yield ServerProgram(process, json.loads(line)["address"], log)
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.kill()
        process.wait(STOP_SECONDS)
