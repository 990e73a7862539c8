"""Reads a client's stream: bounded waits, and an end that keeps the true status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from hydria_server.domain.errors import FieldViolationError, StalledError
from hydria_server.rpc.drain import Drain


class WireMessage(Protocol):
    """What can be received: a generated message, or one that was read by hand."""

    def ByteSize(self) -> int:
        """Return about how many bytes it had on the wire."""


M = TypeVar("M", bound=WireMessage)

DISCARD_SECONDS = 5.0
DISCARD_BYTES = 64 * 1024 * 1024


class Incoming(Generic[M]):
    """A client's messages, one by one. Whoever makes one closes it.

    A wait that ends early, by a timeout or because a store failed, must leave the stream readable:
    grpc's own iterator ends for good when a wait on it is cancelled, and then the server could not
    read on to the half-close. So every message is received by a task that outlives the wait.
    """

    def __init__(
        self, messages: AsyncIterator[M], drain: Drain, *, stall_timeout_seconds: float
    ) -> None:
        self._messages = messages
        self._drain = drain
        self._stall_timeout_seconds = stall_timeout_seconds
        self._receiving: asyncio.Task[M | None] | None = None

    async def next(self) -> M | None:
        """Return the next message, or None after the client's half-close.

        Raises:
            ServerDrainingError: the server is shutting down, and the client is not at its end.
            StalledError: nothing came for too long.
        """
        receiving = self._begin()
        waits: list[asyncio.Future[M | None] | asyncio.Future[None]]
        waits = [receiving, self._drain.begun]
        seconds = self._stall_timeout_seconds
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            self._drain.check()
            raise StalledError(f"nothing was received for {seconds:g} seconds")
        self._receiving = None
        message = receiving.result()
        if message is not None:
            self._drain.check()
        return message

    def _begin(self) -> asyncio.Task[M | None]:
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._receive())
        return self._receiving

    async def _next(self) -> M | None:
        receiving = self._begin()
        await asyncio.wait([receiving])
        self._receiving = None
        return receiving.result()

    async def _receive(self) -> M | None:
        return await anext(self._messages, None)

    async def discard(self) -> None:
        """Read on to the half-close, for 5 seconds or 64 MiB at most.

        A server that ends a call while its client writes makes the client see INTERNAL instead of
        the true status.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                discarded = 0
                while discarded < DISCARD_BYTES:
                    try:
                        message = await self._next()
                    except FieldViolationError:
                        continue  # it does not parse
                    if message is None:
                        return
                    discarded += message.ByteSize()

    async def close(self) -> None:
        """Receive nothing more."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)
