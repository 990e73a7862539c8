"""Where a watch begins: its place in the history, what it selects, and the state of that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.events import AliasHolder, EventFilter, EventScope
from hydria_server.domain.watch_errors import WatchTokenFromFutureError
from hydria_server.services.event_selection import Selection
from hydria_server.services.outbox import require_kept
from hydria_server.services.watch_tokens import HistoryPlace, WatchTokens
from hydria_server.storage.metadata.interface import MetadataStore, Rows

HOLDERS_PER_MESSAGE = 100


class StatePages:
    """Where aliases pointed at one moment, page by page, however long it takes."""

    def __init__(
        self,
        metadata: MetadataStore,
        entity_id: int,
        scope: EventScope,
        aliases: Sequence[str],
        *,
        at_us: int,
    ) -> None:
        self._metadata = metadata
        self._entity_id = entity_id
        self._scope = scope
        self._aliases = aliases
        self._at_us = at_us
        self._after: tuple[int, str] | None = None
        self._read: Sequence[AliasHolder] | None = None

    async def read(self, rows: Rows) -> None:
        """Read the next page, which `next` returns."""
        self._read = await rows.event_queries.holders(
            self._entity_id,
            self._scope,
            self._aliases,
            at_us=self._at_us,
            after=self._after,
            limit=HOLDERS_PER_MESSAGE,
        )

    async def next(self) -> Sequence[AliasHolder]:
        """Return the next page; after the last one there is an empty one."""
        if self._read is None:
            await self._metadata.read(self.read)
        page = self._read or ()
        if len(page) < HOLDERS_PER_MESSAGE:
            self._read = ()
        else:
            self._read = None
            self._after = (page[-1].collection_id, page[-1].alias)
        return page


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a watch begins, what it selects, and the state, if that is wanted."""

    entity_id: int
    at: HistoryPlace
    selection: Selection
    state: StatePages | None


class Beginnings:
    """Finds where watches begin: for each in one transaction, the first page of its state too."""

    def __init__(self, metadata: MetadataStore, tokens: WatchTokens) -> None:
        self._metadata = metadata
        self._tokens = tokens

    async def find(
        self, entity: str, filter_: EventFilter, token: bytes, *, with_state: bool, now_us: int
    ) -> Beginning:
        """Return where a watch of an entity begins; that exists as soon as it is used.

        Raises:
            WatchTokenInvalidError, WatchTokenCompactedError, WatchTokenFromFutureError: it cannot
                go on from there.
        """

        async def begin(rows: Rows) -> Beginning | None:
            found = await rows.names.entity(entity)
            if found is None:
                return None
            return await self._begin(rows, found.id, filter_, token, with_state=with_state)

        begun = await self._metadata.read(begin)
        if begun is None:
            await self._metadata.write(lambda rows: rows.names.ensure_entity(entity, now_us=now_us))
            begun = await self._metadata.read(begin)
        assert begun is not None  # entities stay
        return begun

    async def _begin(
        self, rows: Rows, entity_id: int, filter_: EventFilter, token: bytes, *, with_state: bool
    ) -> Beginning:
        bounds = await rows.events.bounds(entity_id)
        scope = await rows.event_queries.scope(entity_id, filter_)
        selection = Selection(filter_, scope)
        if token:
            at = self._tokens.decode(token, entity_id)
            require_kept(bounds, at.seq)
            time_us = await rows.events.time_of(entity_id, at.seq)
            if time_us not in (None, at.time_us):
                raise WatchTokenFromFutureError(
                    "the store was set back since the token was made; begin again without one"
                )
            return Beginning(entity_id, at, selection, None)
        time_us = await rows.events.time_of(entity_id, bounds.last)
        at = HistoryPlace(bounds.last, time_us or 0)
        if not with_state:
            return Beginning(entity_id, at, selection, None)
        state = StatePages(
            self._metadata, entity_id, scope, filter_.aliases, at_us=bounds.last_time_us
        )
        await state.read(rows)
        return Beginning(entity_id, at, selection, state)
