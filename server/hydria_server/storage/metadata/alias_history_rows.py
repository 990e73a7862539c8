"""The contract of the rows that say where aliases pointed. `EventRows.record` writes them."""

from __future__ import annotations

from typing import Protocol

from hydria_server.domain.alias_records import AliasHistoryQuery, AliasHolding


class AliasHistoryRows(Protocol):
    """Intervals of aliases. Of one alias they never overlap."""

    async def page(self, query: AliasHistoryQuery) -> list[AliasHolding]:
        """Return intervals, the latest beginning first, then by alias from the end."""
        ...

    async def holder_at(self, collection_id: int, alias: str, time_us: int) -> int | None:
        """Return the id of the version that the alias pointed to at a time, deleted or not."""
        ...

    async def last_holder(
        self, collection_id: int, alias: str, *, other_than: int | None, live: bool
    ) -> AliasHolding | None:
        """Return the latest interval of an alias that another version held, if there is one.

        With `live` only intervals of versions that are still there.
        """
        ...
