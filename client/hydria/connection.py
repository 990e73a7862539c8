"""The one channel of a client, and calls on it: with deadlines, failing with `hydria.errors`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from grpc import aio

from hydria.address import Address
from hydria.channel import check_not_forked, open_channel
from hydria.errors import ClientClosedError, StreamStalledError
from hydria.status import error_of_rpc
from hydria.v1 import artifact_pb2_grpc, lineage_pb2_grpc, registry_pb2_grpc

if TYPE_CHECKING:
    from hydria.v1.artifact_pb2_grpc import ArtifactServiceAsyncStub
    from hydria.v1.lineage_pb2_grpc import LineageServiceAsyncStub
    from hydria.v1.registry_pb2_grpc import RegistryServiceAsyncStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

CALL_SECONDS = 60.0
# What a server may have to read back or merge before it answers: hundreds of gigabytes.
LONG_CALL_SECONDS = 3600.0


class Connection:
    """Connects when it is first used, inside the event loop that uses it, and stays with it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._channel: aio.Channel | None = None
        self._stub: ArtifactServiceAsyncStub | None = None
        self._lineage: LineageServiceAsyncStub | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._closed = False
        self._others: set[aio.Channel] = set()

    @property
    def stub(self) -> ArtifactServiceAsyncStub:
        """The contract's calls.

        Raises:
            ClientClosedError: the client was closed, or another event loop runs than its own.
            ForkedProcessError: this process was forked from the one that opened it.
        """
        self.open()
        assert self._stub is not None
        return self._stub

    @property
    def lineage(self) -> LineageServiceAsyncStub:
        """The calls about runs. Raises as `stub` does."""
        self.open()
        assert self._lineage is not None
        return self._lineage

    @property
    def registry_stub(self) -> RegistryServiceAsyncStub:
        """The calls of the registry service. Raises as `stub` does."""
        return registry_pb2_grpc.RegistryServiceStub(self.channel)

    @property
    def channel(self) -> aio.Channel:
        """The channel itself, for calls with another encoding. Raises as `stub` does."""
        self.open()
        assert self._channel is not None
        return self._channel

    @asynccontextmanager
    async def another_channel(self) -> AsyncGenerator[aio.Channel, None]:
        """Give a channel for one stream that lasts: a connection takes a limited number of these.

        Raises as `stub` does.
        """
        self.open()
        channel = open_channel(self.address, is_for_bulk=False)
        self._others.add(channel)
        try:
            yield channel
        finally:
            self._others.discard(channel)
            await channel.close()

    def open(self) -> None:
        """Make the channel unless it is there. Raises as `stub` does."""
        check_not_forked()
        if self._closed:
            raise ClientClosedError("this client was closed; make another one")
        loop = asyncio.get_running_loop()
        if self._channel is None:
            self._channel = open_channel(self.address)
            self._stub = artifact_pb2_grpc.ArtifactServiceStub(self._channel)
            self._lineage = lineage_pb2_grpc.LineageServiceStub(self._channel)
            self._loop = loop
        elif loop is not self._loop:
            raise ClientClosedError(
                "an AsyncClient belongs to the event loop that used it first; make one for each"
            )

    async def call(
        self,
        method: aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        timeout_seconds: float = CALL_SECONDS,
    ) -> _Response:
        """Return the response to one request.

        Raises:
            HydriaError: what the server or the transport says.
        """
        try:
            return await method(request, timeout=timeout_seconds)
        except aio.AioRpcError as failure:
            raise error_of_rpc(failure, address=str(self.address)) from failure
        except (aio.UsageError, asyncio.CancelledError) as failure:
            self.raise_if_closed(failure)
            raise

    async def stream(
        self,
        method: aio.UnaryStreamMultiCallable[_Request, _Response],
        request: _Request,
        *,
        stall_seconds: float,
    ) -> AsyncGenerator[_Response, None]:
        """Yield the responses to one request; the call is over when the iterator is.

        Raises:
            StreamStalledError: nothing came for `stall_seconds`.
            HydriaError: what the server or the transport says.
        """
        try:
            call = method(request)
        except aio.UsageError as failure:
            self.raise_if_closed(failure)
            raise
        stall = _Stall(call, stall_seconds)
        try:
            while True:
                with stall:
                    response = await call.read()
                if response is aio.EOF:
                    return
                yield cast("_Response", response)
        except aio.AioRpcError as failure:
            raise error_of_rpc(failure, address=str(self.address)) from failure
        except asyncio.CancelledError as failure:
            stall.raise_if_come(failure)
            self.raise_if_closed(failure)
            raise
        finally:
            call.cancel()

    def raise_if_closed(self, failure: BaseException) -> None:
        """Tell a caller whose call was cut by `close` from one who was cancelled.

        Raises:
            ClientClosedError: the channel was closed, and the running task was not cancelled.
        """
        task = asyncio.current_task()
        if self._closed and not (task and task.cancelling()):
            raise ClientClosedError("this client was closed during a call") from failure

    async def close(self) -> None:
        """Close the channel. Calls in flight are cancelled; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._channel is not None and self._pid == os.getpid():
            await self._channel.close()
            for channel in tuple(self._others):
                await channel.close()


class _Stall:
    """Cancels a call when a read of it, the body of a `with`, lasts too long.

    A bare timer: `asyncio.timeout` costs as much as all the rest of reading a small message.
    """

    def __init__(self, call: aio.Call, limit_seconds: float) -> None:
        self._call = call
        self._limit_seconds = limit_seconds
        self._has_come = False
        self._alarm: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(self._limit_seconds, self._end_call)

    def __exit__(self, *_error: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _end_call(self) -> None:
        self._has_come = True
        self._call.cancel()

    def raise_if_come(self, failure: BaseException) -> None:
        """Tell a call that was cut here from one whose reader was cancelled.

        Raises:
            StreamStalledError: it was cut here.
        """
        task = asyncio.current_task()
        if self._has_come and not (task and task.cancelling()):
            message = f"the server sent nothing for {self._limit_seconds:.0f} s"
            raise StreamStalledError(message) from failure
