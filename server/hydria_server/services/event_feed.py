"""The newest events of one entity, for all that follow it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from hydria_server.domain.records import EventRecord
from hydria_server.services.outbox import PAGE_EVENTS

Wants = Callable[[EventRecord], bool]


class Sleeper:
    """Somebody who waits for an event that he wants, and has seen everything up to `seq`."""

    def __init__(self, seq: int, wants: Wants) -> None:
        self.seq = seq
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wants = wants

    def notice(self, events: Sequence[EventRecord]) -> None:
        """Pass over events that are not wanted, and wake at the first one that is."""
        for event in events:
            if event.seq > self.seq + 1 or self._wants(event):
                self.wake()
                return
            self.seq = max(self.seq, event.seq)

    def wake(self) -> None:
        """Wake; it is told to look again."""
        if not self.woken.done():
            self.woken.set_result(None)


class EventFeed:
    """The last events of an entity, shared by its readers, and the readers that sleep.

    It holds `PAGE_EVENTS` events whatever the number of readers, and nothing for each of them: a
    reader that is further behind reads the history itself. `head` is the highest number that is
    known of; None before anything is.
    """

    def __init__(self) -> None:
        self.head: int | None = None
        self.reader_count = 0
        self._tail: deque[EventRecord] = deque(maxlen=PAGE_EVENTS)
        self._sleepers: set[Sleeper] = set()

    def grow(self, events: Sequence[EventRecord]) -> None:
        """Take new events, in order, and wake those who want one of them."""
        new = [event for event in events if self.head is None or event.seq > self.head]
        if not new:
            return
        if self._tail and new[0].seq != self._tail[-1].seq + 1:
            self._tail.clear()  # another process wrote what is missing here
        self._tail.extend(new)
        self.head = new[-1].seq
        for sleeper in tuple(self._sleepers):
            sleeper.notice(new)

    def reached(self, head: int) -> None:
        """Note that the history has so many events; who has seen fewer looks again."""
        if self.head is None or head > self.head:
            self.head = head
            self._tail.clear()
            for sleeper in tuple(self._sleepers):
                if sleeper.seq < head:
                    sleeper.wake()

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

    async def sleep(self, seq: int, wants: Wants, *, timeout_seconds: float) -> int:
        """Wait for an event after `seq` that is wanted; return up to where none of them is."""
        if not self.is_read_to(seq):
            return seq
        sleeper = Sleeper(seq, wants)
        self._sleepers.add(sleeper)
        # asyncio.timeout would cost as much as all the rest of a sleep; hundreds end together.
        alarm = asyncio.get_running_loop().call_later(timeout_seconds, sleeper.wake)
        try:
            await sleeper.woken
        finally:
            alarm.cancel()
            self._sleepers.discard(sleeper)
        return sleeper.seq

    def wake_all(self) -> None:
        """Wake everybody."""
        for sleeper in tuple(self._sleepers):
            sleeper.wake()
