"""Forgets events that are older than the operator wants to keep."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

BATCH_EVENTS = 1000
"""How many events one transaction deletes, so that other writers wait for milliseconds."""

_log = logging.getLogger("hydria.events")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events are kept, in seconds; 0: for ever."""

    seconds: int = 0
    webhook_seconds: int = 0  # those that a webhook has yet to deliver; not less than `seconds`


class EventRetention:
    """Cuts histories at their old end. Where aliases pointed and when is kept in any case.

    What a webhook has yet to deal with is kept for it. Where the operator sets a limit to that,
    the webhook that misses something is marked in the transaction that deletes it.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        clock: Clock,
        keep: Retention,
        *,
        note_places: Callable[[], Awaitable[None]],
    ) -> None:
        """Keep events for so long; `note_places` writes down how far webhooks have come."""
        self._metadata = metadata
        self._clock = clock
        self._keep = keep
        self._note_places = note_places

    async def forget_old(self) -> int:
        """Delete the events that are too old; return how many."""
        if not self._keep.seconds:
            return 0
        before_us = self._clock() - self._keep.seconds * 1_000_000
        entity_ids = await self._metadata.read(
            lambda rows: rows.event_queries.entities_before(before_us)
        )
        if entity_ids:
            await self._note_places()
        total = 0
        for entity_id in entity_ids:
            total += await self._forget(entity_id, before_us)
        if total:
            _log.info("forgot old events", extra={"fields": {"events": total}})
        return total

    async def _forget(self, entity_id: int, before_us: int) -> int:
        total = 0
        end = await self._metadata.read(
            lambda rows: rows.event_queries.seq_at(entity_id, before_us)
        )
        missable_end = await self._missable_end(entity_id)

        async def batch(rows: Rows) -> int:
            needed = await rows.webhooks.first_needed(entity_id)
            until = end if needed is None else min(end, max(needed, missable_end))
            deleted = await rows.event_queries.forget_before(entity_id, until, limit=BATCH_EVENTS)
            first = (await rows.events.bounds(entity_id)).first
            if needed is not None and needed < first:
                await rows.webhooks.miss_before(entity_id, first, now_us=self._clock())
            return deleted

        while deleted := await self._metadata.write(batch):
            total += deleted
        return total

    async def _missable_end(self, entity_id: int) -> int:
        """Return the first event that is not too old for webhooks; 0 without a limit."""
        if not self._keep.webhook_seconds:
            return 0
        before_us = self._clock() - self._keep.webhook_seconds * 1_000_000
        return await self._metadata.read(
            lambda rows: rows.event_queries.seq_at(entity_id, before_us)
        )
