"""The newest events of one entity, for all that follow it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from hydria_server.domain.records import EventRecord
from hydria_server.services.outbox import PAGE_EVENTS
from hydria_server.services.watch_tokens import HistoryPlace

Wants = Callable[[EventRecord], bool]


class Reader:
    """Somebody who follows a history, and was given all that he wants of it up to `at`.

    `wants` is asked about events in their order, and about each at least once.
    """

    def __init__(self, at: HistoryPlace, wants: Wants) -> None:
        self.at: HistoryPlace | EventRecord = at
        self._wants = wants
        self._asleep: asyncio.Future[list[EventRecord]] | None = None

    async def sleep(self) -> list[EventRecord]:
        """Return the next events that are wanted, once there are any; none if something woke."""
        self._asleep = asyncio.get_running_loop().create_future()
        try:
            return await self._asleep
        finally:
            self._asleep = None

    def notice(self, events: Sequence[EventRecord]) -> None:
        """Be told of new events. Who is awake finds them by himself."""
        if self._asleep is None or self._asleep.done():
            return
        if events[0].seq != self.at.seq + 1 or len(events) > PAGE_EVENTS:
            self._asleep.set_result([])  # they do not simply follow, or are more than a page: look
        elif wanted := self.select(events):
            self._asleep.set_result(wanted)

    def select(self, events: Sequence[EventRecord]) -> list[EventRecord]:
        """Return those that are wanted of the events that follow, and move past all of them."""
        wanted = [event for event in events if self._wants(event)]
        self.at = events[-1]
        return wanted

    def wake(self) -> None:
        """End the sleep, if there is one."""
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result([])


class EventFeed:
    """The last events of an entity, shared by its readers.

    It holds `PAGE_EVENTS` events whatever the number of readers, and nothing for each of them: a
    reader that is further behind reads the history itself. `head` is the highest number that is
    known of; None before anything is.
    """

    def __init__(self) -> None:
        self.head: int | None = None
        self.readers: set[Reader] = set()
        self._tail: deque[EventRecord] = deque(maxlen=PAGE_EVENTS)

    def grow(self, events: Sequence[EventRecord]) -> None:
        """Take new events, in order, and hand them to those who sleep and want them."""
        new = [event for event in events if self.head is None or event.seq > self.head]
        if not new:
            return
        if self._tail and new[0].seq != self._tail[-1].seq + 1:
            self._tail.clear()  # another process wrote what is missing here
        self._tail.extend(new)
        self.head = new[-1].seq
        for reader in self.readers:
            reader.notice(new)

    def reached(self, head: int) -> None:
        """Note that the history has so many events; who has seen fewer looks again."""
        if self.head is None or head > self.head:
            self.head = head
            self._tail.clear()
            for reader in self.readers:
                if reader.at.seq < head:
                    reader.wake()

    def is_read_to(self, seq: int) -> bool:
        """Tell whether nothing after `seq` is known of."""
        return self.head is not None and seq >= self.head

    def after(self, seq: int) -> list[EventRecord] | None:
        """Return the events after `seq`; None if the history has to be asked."""
        if self.is_read_to(seq):
            return []
        if self._tail and self._tail[0].seq <= seq + 1:
            return list(islice(self._tail, seq + 1 - self._tail[0].seq, None))
        return None
