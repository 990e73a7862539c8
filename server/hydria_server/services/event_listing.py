"""The history of an entity, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydria_server.domain.errors import FieldViolationError, PageTokenInvalidError
from hydria_server.domain.events import EventFilter, EventQuery
from hydria_server.domain.filters import Cursor
from hydria_server.domain.names import require_name
from hydria_server.domain.records import EventRecord
from hydria_server.services.event_selection import checked_filter
from hydria_server.services.outbox import PAGE_EVENTS
from hydria_server.services.page_tokens import decode_token, encode_token
from hydria_server.storage.metadata.interface import MetadataStore, Rows

DEFAULT_PAGE_EVENTS = 100
WINDOW_EVENTS = 20_000
"""How many events a page looks through, where no index leads to those that are asked for."""


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """What ListEvents asks for. Times in microseconds; the first is included, the last not."""

    entity: str
    filter: EventFilter = field(default_factory=EventFilter)
    actor: str = ""
    from_us: int | None = None
    to_us: int | None = None
    oldest_first: bool = False
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class ListedEvents:
    """A page of the events of an entity; `entity_id` is None for one that nobody used yet."""

    entity_id: int | None
    events: tuple[EventRecord, ...]
    next_page_token: str


class EventListing:
    """Answers ListEvents."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata

    async def list(self, request: EventsRequest) -> ListedEvents:
        """Return a page. It may be short, or even empty, although there is a next one.

        Raises:
            NameInvalidError, FieldViolationError: the request is malformed.
            PageTokenInvalidError: the token is garbled, or of another request.
        """
        require_name(request.entity, field="entity")
        filter_ = checked_filter(request.filter)
        if request.page_size < 0:
            raise FieldViolationError("page_size", "it is negative")
        limit = min(request.page_size or DEFAULT_PAGE_EVENTS, PAGE_EVENTS)
        bound_to = _bound_to(request, filter_)
        start = _start(decode_token(request.page_token, bound_to=bound_to))

        async def page(rows: Rows) -> ListedEvents:
            entity = await rows.names.entity(request.entity)
            if entity is None:
                return ListedEvents(None, (), "")
            query = await _query(rows, entity.id, request, filter_, limit)
            events, following = await _page(rows, query, start)
            token = encode_token(following, bound_to=bound_to)
            return ListedEvents(entity.id, tuple(events), token)

        return await self._metadata.read(page)


def _bound_to(request: EventsRequest, filter_: EventFilter) -> str:
    times = (request.from_us, request.to_us, request.oldest_first)
    return f"events {request.entity}\0{filter_}\0{request.actor}\0{times}"


def _start(cursor: Cursor | None) -> int | None:
    if cursor is None:
        return None
    match cursor:
        case (int(seq),) if 0 < seq < 1 << 62:
            return seq
    raise PageTokenInvalidError("the page token is garbled")


async def _query(
    rows: Rows, entity_id: int, request: EventsRequest, filter_: EventFilter, limit: int
) -> EventQuery:
    """Return the query for everything that is asked for."""
    bounds = await rows.events.bounds(entity_id)
    first, last = bounds.first, bounds.last
    if request.from_us is not None:
        first = await rows.event_queries.seq_at(entity_id, request.from_us)
    if request.to_us is not None:
        last = await rows.event_queries.seq_at(entity_id, request.to_us) - 1
    return EventQuery(
        entity_id=entity_id,
        scope=await rows.event_queries.scope(entity_id, filter_),
        aliases=filter_.aliases,
        types=filter_.types,
        actor=request.actor,
        first=first,
        last=last,
        descending=not request.oldest_first,
        limit=limit + 1,
    )


async def _page(
    rows: Rows, query: EventQuery, start: int | None
) -> tuple[list[EventRecord], Cursor | None]:
    """Return the events of one page, and the number that the next one begins with."""
    limit = query.limit - 1
    window = _window(query, start)
    found = await rows.event_queries.find(window)
    if len(found) > limit:
        return found[:limit], (found[limit].seq,)
    if query.descending:
        return found, (window.first - 1,) if window.first > query.first else None
    return found, (window.last + 1,) if window.last < query.last else None


def _window(query: EventQuery, start: int | None) -> EventQuery:
    """Return the part of a query that one page looks through."""
    ids = query.scope.collection_ids
    is_indexed = ids is not None and len(ids) <= 1
    width = query.last - query.first + 1 if is_indexed else WINDOW_EVENTS
    if query.descending:
        last = query.last if start is None else min(query.last, start)
        first = max(query.first, last - width + 1)
    else:
        first = query.first if start is None else max(query.first, start)
        last = min(query.last, first + width - 1)
    return EventQuery(
        query.entity_id, query.scope, query.aliases, query.types, query.actor,
        first, last, query.descending, query.limit,
    )  # fmt: skip
