"""Webhooks that have seen everything: what happens next is looked at as it is committed.

So an event that no webhook selects costs no read of the database, however many webhooks there are.
Nothing depends on it: who is not here reads the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hydria_server.domain.records import EventRecord
from hydria_server.services.event_selection import Selection


@dataclass(slots=True)
class _Idle:
    entity_id: int
    selection: Selection
    seq: int


class IdleWebhooks:
    """Remembers the selections of webhooks up to date, and up to where nothing concerns them."""

    def __init__(self) -> None:
        self._idle: dict[int, _Idle] = {}
        self._changing: set[int] = set()
        self.generation = 0
        """Grows when a webhook was changed: what was read before may be out of date."""

    def add(
        self, webhook_id: int, entity_id: int, selection: Selection, seq: int, *, generation: int
    ) -> None:
        """Note that a webhook has seen all up to `seq`, as read when that generation was."""
        if generation == self.generation and webhook_id not in self._changing:
            self._idle[webhook_id] = _Idle(entity_id, selection, seq)

    @contextmanager
    def changing(self, webhook_id: int) -> Iterator[None]:
        """Know nothing of a webhook while the block changes it."""
        self._changing.add(webhook_id)
        self._idle.pop(webhook_id, None)
        try:
            yield
        finally:
            self._changing.discard(webhook_id)
            self.generation += 1

    def notice(self, entity_id: int, events: Sequence[EventRecord]) -> dict[int, int]:
        """Look at new events; return up to where they concern which webhooks not at all."""
        passed: dict[int, int] = {}
        of_entity = [id_ for id_, idle in self._idle.items() if idle.entity_id == entity_id]
        for webhook_id in of_entity:
            idle = self._idle[webhook_id]
            follows = bool(events) and events[0].seq == idle.seq + 1
            if follows and not any(map(idle.selection.wants, events)):
                idle.seq = passed[webhook_id] = events[-1].seq
            else:
                del self._idle[webhook_id]
        return passed
