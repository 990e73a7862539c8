"""Responses to one request as they come, and a limit to how long none may come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from grpc import aio

from hydria.errors import StreamStalledError
from hydria.status import error_of_rpc

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class Stream(Generic[_Response]):
    """The responses of a call. It belongs to the task that reads; `cancel` is for anybody.

    The limit has one timer, which goes off once in that time, if at all: one for each read would
    cost as much as all the rest of reading a small message.
    """

    def __init__(
        self,
        call: aio.UnaryStreamCall[_Request, _Response],
        *,
        address: str,
        stall_seconds: float,
        raise_if_closed: Callable[[BaseException], None],
    ) -> None:
        """Read from `call`, to `address`; see `Connection.raise_if_closed`."""
        self._call = call
        self._address = address
        self._stall_seconds = stall_seconds
        self._raise_if_closed = raise_if_closed
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._reading_since: float | None = None
        self._has_stalled = False

    async def read(self) -> _Response | None:
        """Return the next response; None at the end.

        Raises:
            StreamStalledError: nothing came for `stall_seconds`.
            HydriaError: what the server or the transport says.
        """
        self._reading_since = self._loop.time()
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._stall_seconds, self._look)
        try:
            response = await self._call.read()
        except aio.AioRpcError as failure:
            raise error_of_rpc(failure, address=self._address) from failure
        except asyncio.CancelledError as failure:
            self._raise_if_stalled(failure)
            self._raise_if_closed(failure)
            raise
        self._reading_since = None
        return None if response is aio.EOF else cast("_Response", response)

    def cancel(self) -> None:
        """End the call, and a read of it that waits with CancelledError. Twice is fine."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._call.cancel()

    def _look(self) -> None:
        self._alarm = None
        if self._reading_since is None:
            return
        due_at = self._reading_since + self._stall_seconds
        if due_at > self._loop.time():
            self._alarm = self._loop.call_at(due_at, self._look)
        else:
            self._has_stalled = True
            self._call.cancel()

    def _raise_if_stalled(self, failure: BaseException) -> None:
        """Tell a call that was cut here from one whose reader was cancelled.

        Raises:
            StreamStalledError: it was cut here.
        """
        task = asyncio.current_task()
        if self._has_stalled and not (task and task.cancelling()):
            message = f"the server sent nothing for {self._stall_seconds:.0f} s"
            raise StreamStalledError(message) from failure
