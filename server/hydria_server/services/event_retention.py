"""Forgets events that are older than the operator wants to keep."""

from __future__ import annotations

import logging

from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

BATCH_EVENTS = 1000
"""How many events one transaction deletes, so that other writers wait for milliseconds."""

_log = logging.getLogger("hydria.events")


class EventRetention:
    """Cuts histories at their old end. Where aliases pointed and when is kept in any case."""

    def __init__(self, metadata: MetadataStore, clock: Clock, *, keep_seconds: int) -> None:
        """Keep events for so long; 0: for ever."""
        self._metadata = metadata
        self._clock = clock
        self._keep_seconds = keep_seconds

    async def forget_old(self) -> int:
        """Delete the events that are too old; return how many."""
        if not self._keep_seconds:
            return 0
        before_us = self._clock() - self._keep_seconds * 1_000_000
        total = 0
        for entity_id in await self._metadata.read(
            lambda rows: rows.event_queries.entities_before(before_us)
        ):
            total += await self._forget(entity_id, before_us)
        if total:
            _log.info("forgot old events", extra={"fields": {"events": total}})
        return total

    async def _forget(self, entity_id: int, before_us: int) -> int:
        total = 0
        end = await self._metadata.read(
            lambda rows: rows.event_queries.seq_at(entity_id, before_us)
        )

        async def batch(rows: Rows) -> int:
            return await rows.event_queries.forget_before(entity_id, end, limit=BATCH_EVENTS)

        while deleted := await self._metadata.write(batch):
            total += deleted
        return total
