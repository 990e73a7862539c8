"""Watch: where aliases point, then what happens, as it happens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from hydria_server.domain.errors import FieldViolationError, ServerDrainingError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import AliasHolder, EventFilter
from hydria_server.domain.names import require_name
from hydria_server.domain.records import EventRecord
from hydria_server.domain.watch_errors import TooManyWatchesError
from hydria_server.services.event_hub import EventHub, Place
from hydria_server.services.event_selection import checked_filter
from hydria_server.services.sessions import Clock
from hydria_server.services.watch_beginning import Beginning, Beginnings
from hydria_server.services.watch_tokens import HistoryPlace, WatchTokens
from hydria_server.storage.metadata.interface import MetadataStore

DEFAULT_BOOKMARK_SECONDS = 30
MAX_BOOKMARK_SECONDS = 300
LIFETIME_SECONDS = 3600.0

_ALIAS_EVENTS = (EventType.ALIAS_SET, EventType.ALIAS_REMOVED)


@dataclass(frozen=True, slots=True)
class WatchOrder:
    """What a watcher asks for."""

    entity: str
    filter: EventFilter = field(default_factory=EventFilter)
    token: bytes = b""
    send_initial_state: bool = False
    coalesce: bool = False
    bookmark_seconds: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """A part of the initial state."""

    holders: Sequence[AliasHolder]


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """Nothing before the token is still to come."""

    time_us: int
    token: bytes


Notice = State | EventRecord | SignOfLife


class Watches:
    """Serves watchers. For each it holds a place in a history, and a page while it sends one."""

    def __init__(
        self,
        metadata: MetadataStore,
        hub: EventHub,
        tokens: WatchTokens,
        clock: Clock,
        *,
        watches_max: int,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        self._beginnings = Beginnings(metadata, tokens)
        self._hub = hub
        self._tokens = tokens
        self._clock = clock
        self._watches_max = watches_max
        self._lifetime_seconds = lifetime_seconds
        self._count = 0

    @asynccontextmanager
    async def watch(self, order: WatchOrder) -> AsyncGenerator[Watch, None]:
        """Give a watch, until the block is left.

        Raises:
            FieldViolationError, NameInvalidError: the order is malformed.
            WatchTokenInvalidError, WatchTokenCompactedError, WatchTokenFromFutureError: it cannot
                go on from there.
            TooManyWatchesError: there are as many watchers as there may be.
            ServerDrainingError: the server shuts down.
        """
        filter_, bookmark_seconds = _checked(order)
        self._hub.require_open()
        with self._counted():
            begun = await self._beginnings.find(
                order.entity,
                filter_,
                order.token,
                with_state=order.send_initial_state,
                now_us=self._clock(),
            )
            wants = begun.selection.wants
            with self._hub.following(begun.entity_id, after=begun.at, wants=wants) as place:
                watch = Watch(self, begun, place, order.coalesce, bookmark_seconds)
                try:
                    yield watch
                finally:
                    watch.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._count >= self._watches_max:
            raise TooManyWatchesError(
                f"this server serves {self._watches_max} watchers and no more; try again later"
            )
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    def sign_of_life(self, entity_id: int, last: HistoryPlace | EventRecord) -> SignOfLife:
        """Return a bookmark after `last`."""
        place = HistoryPlace(last.seq, last.time_us)
        return SignOfLife(self._clock(), self._tokens.encode(entity_id, place))

    def lifetime_seconds(self) -> float:
        """Return how long a watch lasts that begins now: not as long as all others."""
        return self._lifetime_seconds * random.uniform(0.5, 1)


class Watch:
    """One watch on its way through a history.

    Its timers go off now and then, whatever happens meanwhile: a timer for each wait would cost
    more than all the rest of telling of an event.
    """

    def __init__(
        self,
        watches: Watches,
        begun: Beginning,
        place: Place,
        coalesce: bool,
        bookmark_seconds: float,
    ) -> None:
        self.entity_id = begun.entity_id
        self._watches = watches
        self._state = begun.state
        self._place = place
        self._coalesce = coalesce
        self._bookmark_seconds = bookmark_seconds
        self._is_bookmark_due = True
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.call_later(watches.lifetime_seconds(), self._be_over)
        self._bookmark: asyncio.TimerHandle | None = None

    async def next(self) -> Sequence[Notice]:
        """Wait for what is to be told next; return it, once all before has been told.

        That is the initial state, if it was asked for, a bookmark, then events and bookmarks.

        Raises:
            WatchTokenCompactedError, WatchTokenFromFutureError: it cannot go on.
            ServerDrainingError: the server shuts down, or the watch has lasted long enough.
        """
        while True:
            self._place.require_open()
            if self._state is not None:
                if holders := await self._state.next():
                    return [State(holders)]
                self._state = None
            if self._is_bookmark_due:
                return [self._next_bookmark()]
            if self._is_over:
                raise ServerDrainingError("this watch has lasted long; go on with the last token")
            if events := await self._place.next():
                return _newest(events) if self._coalesce else events

    def _next_bookmark(self) -> SignOfLife:
        self._is_bookmark_due = False
        self._bookmark = self._loop.call_later(self._bookmark_seconds, self._be_due)
        return self._watches.sign_of_life(self.entity_id, self._place.reader.at)

    def _be_due(self) -> None:
        self._is_bookmark_due = True
        self._place.reader.wake()

    def _be_over(self) -> None:
        self._is_over = True
        self._place.reader.wake()

    def close(self) -> None:
        """Stop the timers."""
        self._end.cancel()
        if self._bookmark is not None:
            self._bookmark.cancel()


def _newest(events: Sequence[EventRecord]) -> list[EventRecord]:
    """Return the events without those about an alias that a later one is about, too."""
    kept: list[EventRecord] = []
    seen: set[tuple[int | None, str]] = set()
    for event in reversed(events):
        if event.type in _ALIAS_EVENTS:
            alias = (event.collection_id, str(event.data.get("alias")))
            if alias in seen:
                continue
            seen.add(alias)
        kept.append(event)
    kept.reverse()
    return kept


def _checked(order: WatchOrder) -> tuple[EventFilter, float]:
    require_name(order.entity, field="entity")
    seconds = order.bookmark_seconds or DEFAULT_BOOKMARK_SECONDS
    if not 1 <= seconds <= MAX_BOOKMARK_SECONDS:
        raise FieldViolationError(
            "bookmark_interval_seconds", f"it is not between 1 and {MAX_BOOKMARK_SECONDS}"
        )
    return checked_filter(order.filter), float(seconds)
