"""A server of nothing but grpc, as the benchmarks announce servers."""

from __future__ import annotations

import asyncio
import json
import signal

import grpc
from grpc import aio


async def serve_bare(
    service: str, handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]]
) -> None:
    """Listen on a free port, say where, and run until SIGTERM."""
    server = aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    await stopped.wait()
    await server.stop(grace=None)
