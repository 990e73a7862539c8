"""A watch that lasts: it connects anew by itself, and goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self

from hydria import messages
from hydria.connection import Connection
from hydria.digests import format_digest
from hydria.errors import ServerUnavailableError, StreamStalledError
from hydria.history_records import AliasHolder, AliasSnapshot, Event
from hydria.retry import Patience
from hydria.v1 import registry_pb2 as pb
from hydria.v1 import registry_pb2_grpc
from hydria.watch_errors import WatchTokenCompactedError, WatchTokenFromFutureError

BOOKMARK_SECONDS = 30
_MISSED_BOOKMARKS = 3
_TYPES = {number: name.removeprefix("EVENT_TYPE_").lower() for name, number in pb.EventType.items()}

Watched = AliasSnapshot | Event


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
        self._items: AsyncGenerator[Watched, None] | None = None
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
        if self._is_closed:
            raise StopAsyncIteration
        if self._items is None:
            self._items = self._watched()
        try:
            return await anext(self._items)
        except BaseException:
            self._items = None
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the watch. Closing twice is fine."""
        self._is_closed = True
        items, self._items = self._items, None
        if items is not None:
            await items.aclose()

    async def _watched(self) -> AsyncGenerator[Watched, None]:
        while True:
            try:
                async with aclosing(self._connected()) as items:
                    async for item in items:
                        yield item
            except (ServerUnavailableError, StreamStalledError) as error:
                await self._patience.wait_after(error)
            except (WatchTokenCompactedError, WatchTokenFromFutureError):
                if not self._snapshot_again:
                    raise
                self._request.resume_token = b""
                self._request.send_initial_state = True

    async def _connected(self) -> AsyncGenerator[Watched, None]:
        """Yield what one stream brings; a snapshot once all of it is there."""
        async with self._connection.another_channel() as channel:
            responses = self._connection.stream(
                registry_pb2_grpc.RegistryServiceStub(channel).Watch,
                self._request,
                stall_seconds=_MISSED_BOOKMARKS * self._request.bookmark_interval_seconds,
            )
            holders: list[AliasHolder] = []
            is_begun = bool(self._request.resume_token) or not self._request.send_initial_state
            async with aclosing(responses):
                async for response in responses:
                    self._patience.moved()
                    kind = response.WhichOneof("message")
                    if kind == "state":
                        holders += [self._holder_of(each) for each in response.state.holders]
                        continue
                    self._request.resume_token = token = response.resume_token
                    if kind == "event":
                        yield event_of(response.event, token)
                    elif not is_begun:
                        is_begun = True
                        yield AliasSnapshot(holders=tuple(holders), token=token)

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
