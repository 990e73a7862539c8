"""Tells whoever follows the history of an entity that it grew: Watch, webhooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from hydria_server.domain.errors import ServerDrainingError
from hydria_server.domain.records import EventRecord
from hydria_server.domain.watch_errors import WatchTokenOutOfRangeError
from hydria_server.services.event_feed import EventFeed, Reader, Wants
from hydria_server.services.outbox import read_after
from hydria_server.services.watch_tokens import HistoryPlace
from hydria_server.storage.metadata.interface import MetadataStore

POLL_SECONDS = 1.0

_log = logging.getLogger("hydria.events")


class EventHub:
    """One feed for each entity that is followed, fed by the commits of this process.

    What other processes commit is found by one task, `run`, that looks now and then for all
    feeds together. Nobody who follows asks the database while there is nothing new.
    """

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata
        self._feeds: dict[int, EventFeed] = {}
        self._is_closed = False
        metadata.on_events(self._grow)

    @contextmanager
    def following(self, entity_id: int, *, after: HistoryPlace, wants: Wants) -> Iterator[Place]:
        """Give a place in the history of an entity, from which to go on to what is wanted."""
        feed = self._feeds.setdefault(entity_id, EventFeed())
        place = Place(self, feed, entity_id, Reader(after, wants))
        feed.readers.add(place.reader)
        try:
            yield place
        finally:
            feed.readers.discard(place.reader)
            if not feed.readers:
                del self._feeds[entity_id]

    async def read(self, entity_id: int, seq: int) -> list[EventRecord]:
        """Return events after `seq`, from the database. Raises as `outbox.read_after`."""
        return await self._metadata.read(lambda rows: read_after(rows, entity_id, seq))

    def close(self) -> None:
        """From now on whoever waits is told that the server is shutting down."""
        self._is_closed = True
        for feed in self._feeds.values():
            for reader in feed.readers:
                reader.wake()

    def require_open(self) -> None:
        """Return while the server serves.

        Raises:
            ServerDrainingError: it is shutting down.
        """
        if self._is_closed:
            raise ServerDrainingError("the server is shutting down; go on with the last token")

    def _grow(self, entity_id: int, events: Sequence[EventRecord]) -> None:
        feed = self._feeds.get(entity_id)
        if feed is not None:
            feed.grow(events)

    async def run(self) -> None:
        """Look for what other processes commit, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - logged; it is tried again
                _log.exception("looking for events failed; it is tried again")

    async def look(self) -> None:
        """Bring the feeds up to what the database has by now."""
        feeds = {id_: feed for id_, feed in self._feeds.items() if feed.head is not None}
        if not feeds:
            return
        heads = await self._metadata.read(lambda rows: rows.events.heads(feeds))
        for entity_id, feed in feeds.items():
            if heads[entity_id] > (feed.head or 0):
                await self._catch_up(entity_id, feed, heads[entity_id])

    async def _catch_up(self, entity_id: int, feed: EventFeed, head: int) -> None:
        """Read one page for all readers of a feed; the rest of more they read by themselves."""
        with suppress(WatchTokenOutOfRangeError):  # each reader will find that by itself
            feed.grow(await self.read(entity_id, feed.head or 0))
        feed.reached(head)


class Place:
    """A place in the history of an entity, and whoever goes on from it."""

    def __init__(self, hub: EventHub, feed: EventFeed, entity_id: int, reader: Reader) -> None:
        self.reader = reader
        self._hub = hub
        self._feed = feed
        self._entity_id = entity_id

    def require_open(self) -> None:
        """Return while the server serves; raises as `EventHub.require_open`."""
        self._hub.require_open()

    async def next(self) -> list[EventRecord]:
        """Wait for events that are wanted; return them in order and without a gap.

        It may end early, with none. A place is moved on by this: it is for those who deal with
        what they were given before they ask again.

        Raises:
            WatchTokenCompactedError: some that follow are not kept any more.
            WatchTokenFromFutureError: the history does not reach as far as the place.
            ServerDrainingError: the server is shutting down.
        """
        self.require_open()
        if not self._feed.is_read_to(self.reader.at.seq):
            return await self._read()
        events = await self.reader.sleep()
        self.require_open()
        return events

    async def _read(self) -> list[EventRecord]:
        seq = self.reader.at.seq
        events = self._feed.after(seq)
        if events is None:
            events = await self._hub.read(self._entity_id, seq)
        if not events:
            self._feed.reached(seq)
            return []
        return self.reader.select(events)
