"""gRPC with nothing behind it, one message to many streams: what watchers can be told at best.

`python -m benchmarks.bare_fan_out serve` sends a message to all who listen when it is told to;
`... notify ADDRESS LISTENERS TIMES` measures that from one process, a connection for each listener.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
from grpc import aio

from benchmarks.bare_server import serve_bare
from benchmarks.own_use import print_measured

_MESSAGE = bytes(270)  # as many as tell that an alias has moved
_SERVICE = "benchmarks.FanOut"
_LOCAL_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]


class _Speaker:
    """Tells all who listen."""

    def __init__(self) -> None:
        self._listening: set[asyncio.Future[None]] = set()

    async def listen(self, request: bytes, context: object) -> AsyncIterator[bytes]:
        yield _MESSAGE
        while True:
            told = asyncio.get_running_loop().create_future()
            self._listening.add(told)
            try:
                await told
            finally:
                self._listening.discard(told)
            yield _MESSAGE

    async def tell(self, request: bytes, context: object) -> bytes:
        for told in tuple(self._listening):
            if not told.done():
                told.set_result(None)
        return b""


async def serve() -> None:
    """Listen on a free port, say where, and run until SIGTERM."""
    speaker = _Speaker()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Listen": grpc.unary_stream_rpc_method_handler(speaker.listen),
        "Tell": grpc.unary_unary_rpc_method_handler(speaker.tell),
    }
    await serve_bare(_SERVICE, handlers)


class _Listeners:
    """Streams that note when a message comes."""

    def __init__(self, count: int) -> None:
        self.told_at: list[float] = []
        self.all_told = asyncio.Event()
        self._count = count

    async def listen(self, channel: aio.Channel) -> None:
        """Note when each message comes."""
        listen: aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(
            f"/{_SERVICE}/Listen"
        )
        async for _message in listen(b""):
            self.told_at.append(time.perf_counter())
            if len(self.told_at) == self._count:
                self.all_told.set()


async def notify(address: str, count: int, times: int) -> None:
    """Have all told again and again; print how long it took until they were."""
    cpu, begun_at = time.process_time(), time.perf_counter()
    listeners, seconds = _Listeners(count), list[float]()
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(aio.insecure_channel(address, _LOCAL_CONNECTION))
            for _ in range(count + 1)
        ]
        tell: aio.UnaryUnaryMultiCallable[bytes, bytes] = channels[0].unary_unary(
            f"/{_SERVICE}/Tell"
        )
        tasks = [asyncio.create_task(listeners.listen(channel)) for channel in channels[1:]]
        await listeners.all_told.wait()
        gc.collect()
        gc.freeze()
        for _ in range(times):
            listeners.told_at.clear()
            listeners.all_told.clear()
            told_at = time.perf_counter()
            await tell(b"")
            await listeners.all_told.wait()
            seconds += [each - told_at for each in listeners.told_at]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ranks = statistics.quantiles(seconds, n=100)
    figures = {"p50_seconds": ranks[49], "p99_seconds": ranks[98], "notifications": len(seconds)}
    print_measured(time.perf_counter() - begun_at, time.process_time() - cpu, figures)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve())
    else:
        asyncio.run(notify(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
