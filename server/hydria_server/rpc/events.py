"""The calls on history: its list, and Watch."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import registry_pb2
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import AliasHolder, EventFilter
from hydria_server.domain.records import EventRecord
from hydria_server.rpc.calls import Context
from hydria_server.rpc.drain import Drain
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.rpc.messages import timestamp
from hydria_server.services.event_listing import EventsRequest
from hydria_server.services.registry import RegistryServices
from hydria_server.services.watch_tokens import HistoryPlace
from hydria_server.services.watching import SignOfLife, State, WatchOrder

EVENT_TYPES: Final = {
    type_: registry_pb2.EventType.Value(f"EVENT_TYPE_{type_.name}") for type_ in EventType
}
_TYPES_OF: Final = {number: type_ for type_, number in EVENT_TYPES.items()}
# What has a field of its own.
_FIELDS: Final = frozenset(("project", "collection", "version", "alias", "from_version"))
# How many events are kept as they are written: all watchers are told the same.
_RECENT_EVENTS: Final = 64


class EventRpcs(RegistryRpcs):
    """List events, and watch."""

    def __init__(self, services: RegistryServices, drain: Drain) -> None:
        super().__init__(services, drain)
        self._recent: dict[tuple[int, int], bytes] = {}

    async def ListEvents(
        self, request: registry_pb2.ListEventsRequest, context: Context
    ) -> registry_pb2.ListEventsResponse:
        listed = await self.services.events.list(
            EventsRequest(
                entity=request.entity,
                filter=event_filter(request.filter),
                actor=request.actor,
                from_us=_moment(request.from_time) if request.HasField("from_time") else None,
                to_us=_moment(request.to_time) if request.HasField("to_time") else None,
                oldest_first=request.oldest_first,
                page_size=request.page_size,
                page_token=request.page_token,
            )
        )
        return registry_pb2.ListEventsResponse(
            events=[
                self._event_message(request.entity, listed.entity_id or 0, event)
                for event in listed.events
            ],
            next_page_token=listed.next_page_token,
        )

    async def Watch(
        self, request: registry_pb2.WatchRequest, context: Context
    ) -> AsyncGenerator[registry_pb2.WatchResponse, None]:
        order = WatchOrder(
            entity=request.entity,
            filter=event_filter(request.filter),
            token=request.resume_token,
            send_initial_state=request.send_initial_state,
            coalesce=request.coalesce,
            bookmark_seconds=request.bookmark_interval_seconds,
        )
        async with self.services.watches.watch(order) as watch:
            while True:
                for notice in await watch.next():
                    if isinstance(notice, EventRecord):
                        yield self._happened(request.entity, watch.entity_id, notice)
                    else:
                        yield _notice_message(notice)

    def _happened(
        self, entity: str, entity_id: int, event: EventRecord
    ) -> registry_pb2.WatchResponse:
        """Return what tells of an event: it is made and written once for all who are told."""
        key = entity_id, event.seq
        written = self._recent.get(key)
        if written is None:
            if len(self._recent) >= _RECENT_EVENTS:
                self._recent.clear()
            place = HistoryPlace(event.seq, event.time_us)
            written = registry_pb2.WatchResponse(
                event=self._event_message(entity, entity_id, event),
                resume_token=self.services.tokens.encode(entity_id, place),
            ).SerializeToString()
            self._recent[key] = written
        # HotMessagesInterceptor has it sent as it is.
        return cast("registry_pb2.WatchResponse", written)

    def _event_message(self, entity: str, entity_id: int, event: EventRecord) -> registry_pb2.Event:
        return event_message(entity, self.services.tokens.event_id(entity_id, event.seq), event)


def event_message(entity: str, event_id: str, event: EventRecord) -> registry_pb2.Event:
    """Return an event as clients see it."""
    data = event.data
    project, collection, version, alias = (
        str(data.get(name) or "") for name in ("project", "collection", "version", "alias")
    )
    previous = data.get("version" if event.type is EventType.ALIAS_REMOVED else "from_version")
    owner = data.get("entity") or entity  # of the version: runs use versions of others, too
    rest = {name: value for name, value in data.items() if name not in _FIELDS}
    return registry_pb2.Event(
        event_id=event_id,
        type=EVENT_TYPES[event.type],
        time=timestamp(event.time_us),
        actor=event.actor,
        entity=entity,
        project=project,
        collection=collection,
        version_ref=f"{owner}/{project}/{collection}:{version}" if version else "",
        alias=alias,
        previous_version=str(previous or ""),
        data_json=json.dumps(rest, ensure_ascii=False),
    )


def _notice_message(notice: State | SignOfLife) -> registry_pb2.WatchResponse:
    match notice:
        case State(holders):
            state = registry_pb2.WatchState(holders=[_holder_message(each) for each in holders])
            return registry_pb2.WatchResponse(state=state)
        case SignOfLife(time_us, token):
            bookmark = registry_pb2.Bookmark(time=timestamp(time_us))
            return registry_pb2.WatchResponse(bookmark=bookmark, resume_token=token)


def _holder_message(holder: AliasHolder) -> registry_pb2.AliasHolder:
    return registry_pb2.AliasHolder(
        project=holder.project,
        collection=holder.collection,
        type=holder.type,
        alias=holder.alias,
        version_ref=holder.version_ref,
        digest=holder.digest,
        from_time=timestamp(holder.from_time_us),
        actor=holder.actor,
    )


def event_filter(message: registry_pb2.EventFilter) -> EventFilter:
    """Return a filter; what it names is not checked yet.

    Raises:
        FieldViolationError: a type is unknown.
    """
    for number in message.types:
        if number not in _TYPES_OF:
            raise FieldViolationError("filter.types", f"{number} is no type of event")
    return EventFilter(
        project=message.project,
        collections=tuple(message.collections),
        aliases=tuple(message.aliases),
        types=tuple(_TYPES_OF[number] for number in message.types),
    )


def _moment(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1000
