"""Watch: where aliases point, then what happens, as it happens."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from hydria_server.domain.errors import FieldViolationError, ServerDrainingError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import AliasHolder, EventFilter
from hydria_server.domain.names import require_name
from hydria_server.domain.records import EventRecord
from hydria_server.domain.watch_errors import TooManyWatchesError, WatchTokenFromFutureError
from hydria_server.services.event_hub import EventHub, Place
from hydria_server.services.event_selection import Selection, checked_filter
from hydria_server.services.outbox import require_kept
from hydria_server.services.sessions import Clock
from hydria_server.services.watch_tokens import HistoryPlace, WatchTokens
from hydria_server.storage.metadata.interface import MetadataStore, Rows

HOLDERS_PER_MESSAGE = 100
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
class Happened:
    """An event; a watch goes on after it."""

    entity_id: int
    event: EventRecord

    @property
    def place(self) -> HistoryPlace:
        """Where to go on."""
        return HistoryPlace(self.event.seq, self.event.time_us)


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """Nothing before the token is still to come."""

    time_us: int
    token: bytes


Notice = State | Happened | SignOfLife


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
        self._metadata = metadata
        self._hub = hub
        self._tokens = tokens
        self._clock = clock
        self._watches_max = watches_max
        self._lifetime_seconds = lifetime_seconds
        self._count = 0

    async def watch(self, order: WatchOrder) -> AsyncGenerator[Notice, None]:
        """Yield the initial state, if asked for, a bookmark, then events and bookmarks.

        Raises:
            FieldViolationError, NameInvalidError: the order is malformed.
            WatchTokenInvalidError, WatchTokenCompactedError, WatchTokenFromFutureError: it cannot
                go on from there.
            TooManyWatchesError: there are as many watchers as there may be.
            ServerDrainingError: the server shuts down, or the watch has lasted long enough.
        """
        filter_, bookmark_seconds = _checked(order)
        self._hub.require_open()
        with self._counted():
            entity_id = await self._entity_id(order.entity)
            begun = await self._metadata.read(
                lambda rows: self._begin(rows, entity_id, filter_, order.token)
            )
            if order.send_initial_state and not order.token:
                async for part in self._state(entity_id, filter_, begun):
                    yield part
            with self._hub.following(entity_id, after_seq=begun.at.seq) as place:
                watch = _Watch(self, entity_id, begun, place, order.coalesce, bookmark_seconds)
                async with aclosing(watch.notices()) as notices:
                    async for notice in notices:
                        yield notice

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

    async def _entity_id(self, name: str) -> int:
        """Return the id of the entity; it exists as soon as it is used."""
        found = await self._metadata.read(lambda rows: rows.names.entity(name))
        if found is None:
            now_us = self._clock()
            found = await self._metadata.write(
                lambda rows: rows.names.ensure_entity(name, now_us=now_us)
            )
        return found.id

    async def _begin(
        self, rows: Rows, entity_id: int, filter_: EventFilter, token: bytes
    ) -> _Beginning:
        bounds = await rows.events.bounds(entity_id)
        selection = await Selection.find(rows, entity_id, filter_)
        if not token:
            time_us = await rows.events.time_of(entity_id, bounds.last)
            at = HistoryPlace(bounds.last, time_us or 0)
            return _Beginning(at, bounds.last_time_us, selection)
        at = self._tokens.decode(token, entity_id)
        require_kept(bounds, at.seq)
        time_us = await rows.events.time_of(entity_id, at.seq)
        if time_us not in (None, at.time_us):
            raise WatchTokenFromFutureError(
                "the store was set back since the token was made; begin again without one"
            )
        return _Beginning(at, at.time_us, selection)

    async def _state(
        self, entity_id: int, filter_: EventFilter, begun: _Beginning
    ) -> AsyncGenerator[State, None]:
        """Yield where aliases pointed at the moment of the beginning, however long it takes."""
        after: tuple[int, str] | None = None
        scope = await self._metadata.read(lambda rows: rows.event_queries.scope(entity_id, filter_))

        async def page(rows: Rows) -> list[AliasHolder]:
            return await rows.event_queries.holders(
                entity_id,
                scope,
                filter_.aliases,
                at_us=begun.time_us,
                after=after,
                limit=HOLDERS_PER_MESSAGE,
            )

        while True:
            holders = await self._metadata.read(page)
            if holders:
                yield State(holders)
            if len(holders) < HOLDERS_PER_MESSAGE:
                return
            self._hub.require_open()
            after = (holders[-1].collection_id, holders[-1].alias)

    def sign_of_life(self, entity_id: int, last: HistoryPlace | EventRecord) -> SignOfLife:
        """Return a bookmark after `last`."""
        place = HistoryPlace(last.seq, last.time_us)
        return SignOfLife(self._clock(), self._tokens.encode(entity_id, place))

    def end_of_life(self) -> float:
        """Return when a watch that begins now ends: not when all others do."""
        return time.monotonic() + self._lifetime_seconds * random.uniform(0.5, 1)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Where a watch begins, and what it selects."""

    at: HistoryPlace
    time_us: int
    selection: Selection


class _Watch:
    """One watch on its way through a history."""

    def __init__(
        self,
        watches: Watches,
        entity_id: int,
        begun: _Beginning,
        place: Place,
        coalesce: bool,
        bookmark_seconds: float,
    ) -> None:
        self._watches = watches
        self._entity_id = entity_id
        self._selection = begun.selection
        self._at: HistoryPlace | EventRecord = begun.at
        self._place = place
        self._coalesce = coalesce
        self._bookmark_seconds = bookmark_seconds
        self._ends_at = watches.end_of_life()

    async def notices(self) -> AsyncGenerator[Notice, None]:
        """Yield bookmarks and events. Raises as `Watches.watch`."""
        bookmark_due_at = time.monotonic()
        while True:
            if time.monotonic() >= bookmark_due_at:
                yield self._watches.sign_of_life(self._entity_id, self._at)
                bookmark_due_at = time.monotonic() + self._bookmark_seconds
            if time.monotonic() >= self._ends_at:
                raise ServerDrainingError("this watch has lasted long; go on with the last token")
            events = await self._place.read()
            for event in self._selected(events):
                self._at = event
                yield Happened(self._entity_id, event)
            if events:
                self._moved_to(events[-1])
            else:
                await self._sleep(min(bookmark_due_at, self._ends_at) - time.monotonic())

    async def _sleep(self, seconds: float) -> None:
        last: list[EventRecord] = []

        def wants(event: EventRecord) -> bool:
            if self._selection.wants(event):
                return True
            last[:] = [event]
            return False

        await self._place.wait(wants, timeout_seconds=seconds)
        if last:
            self._moved_to(last[0])

    def _moved_to(self, event: EventRecord) -> None:
        self._place.seq = event.seq
        self._at = event

    def _selected(self, events: Sequence[EventRecord]) -> list[EventRecord]:
        selected = [event for event in events if self._selection.wants(event)]
        return _newest(selected) if self._coalesce else selected


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
