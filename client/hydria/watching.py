"""A watch that lasts: it connects anew by itself, and goes on where it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

from grpc import aio

from hydria import messages
from hydria.connection import Connection
from hydria.digests import format_digest
from hydria.errors import HydriaError, ServerUnavailableError, StreamStalledError
from hydria.history_records import AliasHolder, AliasSnapshot, Event
from hydria.retry import Patience
from hydria.streams import Stream
from hydria.v1 import registry_pb2 as pb
from hydria.v1 import registry_pb2_grpc
from hydria.watch_errors import WatchTokenCompactedError, WatchTokenFromFutureError

BOOKMARK_SECONDS = 30
_MISSED_BOOKMARKS = 3
_TYPES = {number: name.removeprefix("EVENT_TYPE_").lower() for name, number in pb.EventType.items()}

Watched = AliasSnapshot | Event


@dataclass(slots=True)
class _Line:
    """A connection, the stream on it, and what of a snapshot has come."""

    channel: aio.Channel
    stream: Stream[pb.WatchResponse]
    brings_snapshot: bool
    holders: list[AliasHolder] = field(default_factory=list)


class Watch:
    """What happens, as it happens: iterate over it (`async for`).

    It has a connection of its own. When that is lost, or the server ends it, the watch connects
    anew and goes on after the last thing it handed out, so that nothing is missed or told twice.
    An iteration that is cancelled can be gone on with. Leave it by `async with`, or call `aclose`.
    """

    def __init__(
        self,
        connection: Connection,
        request: pb.WatchRequest,
        *,
        snapshot_again: bool,
        retry_seconds: float,
    ) -> None:
        self._connection = connection
        self._request = request
        self._snapshot_again = snapshot_again
        self._patience = Patience(retry_seconds)
        self._line: _Line | None = None
        self._wait: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def token(self) -> bytes:
        """Where to go on after what was handed out last; empty before anything was.

        Keep it once that is dealt with, and give it to the next `watch`.
        """
        return self._request.resume_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Watched:
        """Return the next thing; it waits as long as there is none.

        Raises:
            ServerUnavailableError: nothing answered for `retry_seconds`.
            WatchTokenCompactedError, WatchTokenFromFutureError: the history does not have the
                place of the token, and no new snapshot was wanted.
            HydriaError: what the server says.
        """
        while not self._is_closed:
            try:
                return await self._next()
            except (ServerUnavailableError, StreamStalledError) as error:
                await self._disconnect()
                await self._wait_after(error)
            except (WatchTokenCompactedError, WatchTokenFromFutureError):
                await self._disconnect()
                if not self._snapshot_again:
                    raise
                self._request.resume_token = b""
                self._request.send_initial_state = True
            except asyncio.CancelledError:
                await self._disconnect()
                if not self._was_cut_by_closing():
                    raise
            except BaseException:
                await self._disconnect()
                raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the watch, and an iteration over it that waits. Closing twice is fine."""
        self._is_closed = True
        if self._wait is not None:
            self._wait.cancel()
        await self._disconnect()

    def _was_cut_by_closing(self) -> bool:
        """Tell whether a wait that was cancelled was so by `aclose`, and not with its task."""
        task = asyncio.current_task()
        return self._is_closed and not (task and task.cancelling())

    async def _wait_after(self, error: HydriaError) -> None:
        """Wait before the next try, unless the watch is closed.

        Raises:
            HydriaError: `error` itself, when patience is at its end.
        """
        if self._is_closed:
            return
        self._wait = asyncio.create_task(self._patience.wait_after(error))
        try:
            await self._wait
        except asyncio.CancelledError:
            if not self._was_cut_by_closing():
                raise
        finally:
            self._wait = None

    async def _next(self) -> Watched:
        """Return what the stream brings next; a snapshot once all of it is there."""
        line = self._line or self._connect()
        while (response := await line.stream.read()) is not None:
            self._patience.moved()
            kind = response.WhichOneof("message")
            if kind == "state":
                line.holders += [self._holder_of(each) for each in response.state.holders]
                continue
            self._request.resume_token = token = response.resume_token
            if kind == "event":
                return event_of(response.event, token)
            if line.brings_snapshot:
                line.brings_snapshot = False
                return AliasSnapshot(holders=tuple(line.holders), token=token)
        raise ServerUnavailableError("the server ended the watch without saying why")

    def _connect(self) -> _Line:
        request = self._request
        channel = self._connection.open_another_channel()
        stream = self._connection.begin_stream(
            registry_pb2_grpc.RegistryServiceStub(channel).Watch,
            request,
            stall_seconds=_MISSED_BOOKMARKS * request.bookmark_interval_seconds,
        )
        brings_snapshot = request.send_initial_state and not request.resume_token
        self._line = _Line(channel, stream, brings_snapshot)
        return self._line

    async def _disconnect(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.stream.cancel()
            await self._connection.close_another_channel(line.channel)

    def _holder_of(self, message: pb.AliasHolder) -> AliasHolder:
        return AliasHolder(
            entity=self._request.entity,
            project=message.project,
            collection=message.collection,
            type=message.type,
            alias=message.alias,
            version_ref=message.version_ref,
            digest=format_digest(message.digest),
            from_time=messages.time_of(message.from_time),
            actor=message.actor,
        )


def event_of(message: pb.Event, token: bytes = b"") -> Event:
    """Return the event that a message describes."""
    number = message.type
    return Event(
        event_id=message.event_id,
        type=_TYPES.get(number) or str(number),
        time=messages.time_of(message.time),
        actor=message.actor,
        entity=message.entity,
        project=message.project,
        collection=message.collection,
        version_ref=message.version_ref,
        alias=message.alias,
        previous_version=message.previous_version,
        data_json=message.data_json or "{}",
        token=token,
    )
