"""gRPC with nothing behind it: what a server in Python can reach at most on this machine.

`python -m benchmarks.bare_grpc serve` drops and sends messages of 1 MiB, without protobuf and
without a disk; `... up ADDRESS BYTES` and `... down ADDRESS BYTES` measure it from a client.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import grpc
from grpc import aio

from benchmarks.bare_server import serve_bare
from benchmarks.data import MIB
from benchmarks.own_use import print_measured

_MESSAGE = bytes(MIB)
_SERVICE = "benchmarks.Bare"


async def _take(requests: AsyncIterator[bytes], context: object) -> bytes:
    total = 0
    async for message in requests:
        total += len(message)
    return str(total).encode()


async def _give(request: bytes, context: object) -> AsyncIterator[bytes]:
    for _message in range(int(request) // MIB):
        yield _MESSAGE


async def serve() -> None:
    """Listen on a free port, say where, and run until SIGTERM."""
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Take": grpc.stream_unary_rpc_method_handler(_take),
        "Give": grpc.unary_stream_rpc_method_handler(_give),
    }
    await serve_bare(_SERVICE, handlers)


async def up(channel: aio.Channel, size_bytes: int) -> int:
    """Send so many bytes; return how many arrived."""
    take: aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(f"/{_SERVICE}/Take")
    call = take()
    for _message in range(size_bytes // MIB):
        await call.write(_MESSAGE)
    await call.done_writing()
    return int(await call)


async def down(channel: aio.Channel, size_bytes: int) -> int:
    """Receive so many bytes; return how many came."""
    total = 0
    give: aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(f"/{_SERVICE}/Give")
    async for message in give(str(size_bytes).encode()):
        total += len(message)
    return total


async def measure(direction: str, address: str, size_bytes: int) -> None:
    """Move bytes one way, and print what that took."""
    move = {"up": up, "down": down}[direction]
    async with aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        cpu, begun_at = time.process_time(), time.perf_counter()
        moved_bytes = await move(channel, size_bytes)
        seconds = time.perf_counter() - begun_at
        assert moved_bytes == size_bytes // MIB * MIB
        print_measured(seconds, time.process_time() - cpu, {"moved_bytes": moved_bytes})


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve())
    else:
        asyncio.run(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))
