"""Which events a webhook is told of."""

from __future__ import annotations

from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhooks import WebhookFilter, WebhookRecord
from hydria_server.storage.metadata.interface import Rows


class EventMatcher:
    """Compares events with one webhook's filter, within one transaction.

    A collection is meant by the name it had at the event, or by one that leads to it now: whoever
    is renamed stays selected.
    """

    def __init__(self, rows: Rows, webhook: WebhookRecord) -> None:
        self._rows = rows
        self._entity = webhook.entity
        self._filter = webhook.words.filter
        self._ids: frozenset[int] | None = None

    async def matches(self, event: EventRecord) -> bool:
        """Tell whether the webhook is told of the event."""
        return _matches_words(self._filter, event) and await self._matches_collection(event)

    async def _matches_collection(self, event: EventRecord) -> bool:
        names = self._filter.collections
        if not names or event.data.get("collection") in names:
            return True
        if event.collection_id is None or not self._filter.project:
            return False
        if self._ids is None:
            self._ids = await self._meant()
        return event.collection_id in self._ids

    async def _meant(self) -> frozenset[int]:
        found = [
            await self._rows.names.collection(self._entity, self._filter.project, name)
            for name in self._filter.collections
        ]
        return frozenset(collection.id for collection in found if collection is not None)


def _matches_words(filter_: WebhookFilter, event: EventRecord) -> bool:
    data = event.data
    return (
        (not filter_.types or event.type in filter_.types)
        and (not filter_.aliases or data.get("alias") in filter_.aliases)
        and (not filter_.project or data.get("project") == filter_.project)
    )
