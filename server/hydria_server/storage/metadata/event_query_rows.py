"""The contract of looking into the history: by name, by time, at a moment; and of cutting it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from hydria_server.domain.events import AliasHolder, EventFilter, EventQuery, EventScope
from hydria_server.domain.records import EventRecord


class EventQueryRows(Protocol):
    """Reads of history other than on and on; `EventRows` has those."""

    async def scope(self, entity_id: int, filter_: EventFilter) -> EventScope:
        """Return which ids the names of a filter stand for, of what is there and of what was.

        A name stands for what has it or had it last when it was deleted, and for what a rename took
        it from, until it is used again.
        """
        ...

    async def find(self, query: EventQuery) -> list[EventRecord]:
        """Return the events that are asked for, in their order or in the opposite one."""
        ...

    async def seq_at(self, entity_id: int, time_us: int) -> int:
        """Return the number of the first kept event that is not before that time.

        One more than the last number if there is none.
        """
        ...

    async def holders(
        self,
        entity_id: int,
        scope: EventScope,
        aliases: Collection[str],
        *,
        at_us: int,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[AliasHolder]:
        """Return where aliases pointed at a time, by collection id and alias, beyond `after`."""
        ...

    async def entities_before(self, time_us: int) -> list[int]:
        """Return the ids of the entities whose first kept event is before that time."""
        ...

    async def forget_before(self, entity_id: int, seq: int, *, limit: int) -> int:
        """Delete the first events, at most `limit`, but none from `seq` on; return how many."""
        ...
