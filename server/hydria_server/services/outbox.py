"""The history of an entity as an outbox: read on from a place, and never past a gap."""

from __future__ import annotations

from hydria_server.domain.events import EventBounds
from hydria_server.domain.records import EventRecord
from hydria_server.domain.watch_errors import WatchTokenCompactedError, WatchTokenFromFutureError
from hydria_server.storage.metadata.interface import Rows

PAGE_EVENTS = 200
"""How many events are read at a time: they are at most 16 KiB each."""


async def read_after(rows: Rows, entity_id: int, seq: int) -> list[EventRecord]:
    """Return the events after `seq`, at most `PAGE_EVENTS`; none at the end of the history.

    Raises:
        WatchTokenCompactedError, WatchTokenFromFutureError: as `require_kept`.
    """
    require_kept(await rows.events.bounds(entity_id), seq)
    return await rows.events.after(entity_id, seq, limit=PAGE_EVENTS)


def require_kept(bounds: EventBounds, seq: int) -> None:
    """Return when every event after `seq` is still there.

    Raises:
        WatchTokenCompactedError: some are not kept any more.
        WatchTokenFromFutureError: there was never an event of that number.
    """
    if seq < bounds.first - 1:
        raise WatchTokenCompactedError(
            "the history no longer reaches back to there; begin again without a token"
        )
    if seq > bounds.last:
        raise WatchTokenFromFutureError(
            "the history does not reach there: the store was set back; begin again without a token"
        )
