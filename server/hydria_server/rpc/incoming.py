"""Reads a client's stream: bounded waits, and an end that keeps the true status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Generic, TypeVar

from google.protobuf.message import Message

from hydria_server.domain.errors import StalledError

M = TypeVar("M", bound=Message)

DISCARD_SECONDS = 5.0
DISCARD_BYTES = 64 * 1024 * 1024


class Incoming(Generic[M]):
    """A client's messages, one by one."""

    def __init__(self, messages: AsyncIterator[M], *, stall_timeout_seconds: float) -> None:
        self._messages = messages
        self._stall_timeout_seconds = stall_timeout_seconds

    async def next(self) -> M | None:
        """Return the next message, or None after the client's half-close.

        Raises:
            StalledError: nothing came for too long.
        """
        try:
            async with asyncio.timeout(self._stall_timeout_seconds):
                return await anext(self._messages, None)
        except TimeoutError:
            seconds = self._stall_timeout_seconds
            raise StalledError(f"nothing was received for {seconds:g} seconds") from None

    async def discard(self) -> None:
        """Read on to the half-close, for 5 seconds or 64 MiB at most.

        A server that ends a call while its client writes makes the client see INTERNAL instead of
        the true status.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                discarded = 0
                while discarded < DISCARD_BYTES:
                    message = await anext(self._messages, None)
                    if message is None:
                        return
                    discarded += message.ByteSize()
