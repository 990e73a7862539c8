"""What happened and what happens: `watch` and `events` of `AsyncClient`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.connection import Connection
from hydria.errors import InvalidArgumentError, RefInvalidError
from hydria.history_records import Event
from hydria.pages import Pages
from hydria.refs import Defaults
from hydria.v1 import registry_pb2 as pb
from hydria.watching import BOOKMARK_SECONDS, Watch, event_of

_PAGE_SIZE = 200


class AsyncHistory:
    """The methods of `AsyncClient` about the history of an entity.

    Where they take `where`, it is `ENTITY[/PROJECT[/COLLECTION]]`, and a registry is a project;
    empty means all of the default entity.
    """

    _history_connection: Connection
    defaults: Defaults

    def watch(
        self,
        where: str = "",
        *,
        aliases: Sequence[str] = (),
        types: Sequence[str] = (),
        snapshot: bool = False,
        token: bytes = b"",
        coalesce: bool = False,
        snapshot_again: bool = False,
        bookmark_seconds: int = BOOKMARK_SECONDS,
        retry_seconds: float = 900.0,
    ) -> Watch:
        """Return a watch: an iterator over what happens, from now on or after `token`.

        It reconnects by itself; see `Watch`.

        Args:
            where: what to watch. It may be something that is yet to be made.
            aliases: only events about these.
            types: only events of these types, e.g. `alias_set`.
            snapshot: begin with an `AliasSnapshot`, where all the aliases point now.
            token: go on after the event or snapshot that it came with; there is no snapshot then.
            coalesce: of several moves of an alias that wait, only the newest matters.
            snapshot_again: when the history no longer reaches back to the token, go on with an
                `AliasSnapshot` instead of an error.
            bookmark_seconds: how often the server shows that it is there; after three times as long
                without a sign the watch connects anew.
            retry_seconds: for how long to try to connect anew before giving up.

        Raises:
            RefInvalidError: `where` is malformed.
            InvalidArgumentError: a type is unknown.
        """
        entity, filter_ = self._selected(where, aliases, types)
        request = pb.WatchRequest(
            entity=entity,
            filter=filter_,
            resume_token=token,
            send_initial_state=snapshot,
            coalesce=coalesce,
            bookmark_interval_seconds=bookmark_seconds,
        )
        return Watch(
            self._history_connection,
            request,
            snapshot_again=snapshot_again,
            retry_seconds=retry_seconds,
        )

    def events(
        self,
        where: str = "",
        *,
        aliases: Sequence[str] = (),
        types: Sequence[str] = (),
        actor: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        oldest_first: bool = False,
    ) -> Pages[Event]:
        """Return what happened, newest first.

        Args:
            where: of what.
            aliases: only events about these.
            types: only events of these types, e.g. `alias_set`.
            actor: only events of this actor.
            since: only from this moment on.
            until: only before this moment.
            oldest_first: the other order.

        Raises:
            RefInvalidError: `where` is malformed.
            InvalidArgumentError: a type is unknown.
        """
        entity, filter_ = self._selected(where, aliases, types)

        async def fetch(token: str) -> tuple[list[Event], str]:
            request = pb.ListEventsRequest(
                entity=entity,
                filter=filter_,
                actor=actor,
                from_time=_timestamp(since),
                to_time=_timestamp(until),
                oldest_first=oldest_first,
                page_size=_PAGE_SIZE,
                page_token=token,
            )
            method = self._history_connection.registry_stub.ListEvents
            page = await self._history_connection.call(method, request)
            return [event_of(message) for message in page.events], page.next_page_token

        return Pages(fetch)

    def _selected(
        self, where: str, aliases: Sequence[str], types: Sequence[str]
    ) -> tuple[str, pb.EventFilter]:
        parts = where.split("/") if where else [self.defaults.entity]
        if len(parts) > 3 or not all(parts):
            raise RefInvalidError(f"{where!r} is not ENTITY[/PROJECT[/COLLECTION]]")
        return parts[0], pb.EventFilter(
            project=parts[1] if len(parts) > 1 else "",
            collections=parts[2:],
            aliases=aliases,
            types=[_type(name) for name in types],
        )


def _type(name: str) -> pb.EventType.ValueType:
    try:
        return pb.EventType.Value(f"EVENT_TYPE_{name.upper()}")
    except ValueError:
        known = [each.removeprefix("EVENT_TYPE_").lower() for each in pb.EventType.keys()[1:]]
        message = f"{name!r} is no type of event; there are {', '.join(known)}"
        raise InvalidArgumentError(message) from None


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    made = Timestamp()
    made.FromDatetime(moment.astimezone() if moment.tzinfo is None else moment)
    return made
