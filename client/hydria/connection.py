"""The one channel of a client, and calls on it: with deadlines, failing with `hydria.errors`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from grpc import aio

from hydria.address import Address
from hydria.channel import check_not_forked, open_channel
from hydria.errors import ClientClosedError
from hydria.status import error_of_rpc
from hydria.streams import Stream
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
        # A channel that is forgotten rather than closed is closed by grpc when it is collected.
        self._others: WeakSet[aio.Channel] = WeakSet()

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

    def open_another_channel(self) -> aio.Channel:
        """Return a channel for one stream that lasts: a connection takes a limited number of these.

        It is for the caller to close, by `close_another_channel`. Raises as `stub` does.
        """
        self.open()
        channel = open_channel(self.address, is_for_bulk=False)
        self._others.add(channel)
        return channel

    async def close_another_channel(self, channel: aio.Channel) -> None:
        """Close a channel, and cancel what is called on it."""
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

        Raises as `Stream.read`.
        """
        stream = self.begin_stream(method, request, stall_seconds=stall_seconds)
        try:
            while (response := await stream.read()) is not None:
                yield response
        finally:
            stream.cancel()

    def begin_stream(
        self,
        method: aio.UnaryStreamMultiCallable[_Request, _Response],
        request: _Request,
        *,
        stall_seconds: float,
    ) -> Stream[_Response]:
        """Return the responses to one request. It is for the caller to end it by `cancel`.

        Raises:
            ClientClosedError: the client was closed.
        """
        try:
            call = method(request)
        except aio.UsageError as failure:
            self.raise_if_closed(failure)
            raise
        return Stream(
            call,
            address=str(self.address),
            stall_seconds=stall_seconds,
            raise_if_closed=self.raise_if_closed,
        )

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
