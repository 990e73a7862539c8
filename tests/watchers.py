"""A watcher on a stub: what it was told, in words that tests can compare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hydria.v1 import registry_pb2 as pb
from tests.shelves import registry_stub
from tests.teams import Team

PATIENCE_SECONDS = 30

Response = pb.WatchResponse


def told(event: pb.Event) -> str:
    """Return an event in short: `alias_set best v1`."""
    name = pb.EventType.Name(event.type).removeprefix("EVENT_TYPE_").lower()
    version = event.version_ref.rpartition(":")[2]
    return " ".join(part for part in (name, event.alias, version) if part)


class Watcher:
    """Reads one Watch, message by message. `token` is that of the last one that had one."""

    def __init__(self, responses: AsyncIterator[Response]) -> None:
        self._responses = responses
        self.token = b""

    async def next(self) -> Response:
        """Return the next message, whatever it is."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            response = await anext(self._responses)
        self.token = response.resume_token or self.token
        return response

    async def bookmark(self) -> bytes:
        """Return the token of the next message, which is a bookmark."""
        response = await self.next()
        assert response.WhichOneof("message") == "bookmark", response
        assert response.resume_token
        return response.resume_token

    async def state(self) -> list[pb.AliasHolder]:
        """Return the initial state, up to the bookmark after it."""
        holders: list[pb.AliasHolder] = []
        while (response := await self.next()).HasField("state"):
            assert not response.resume_token
            assert 1 <= len(response.state.holders) <= 100
            holders += response.state.holders
        assert response.HasField("bookmark")
        return holders

    async def event(self) -> pb.Event:
        """Return the next event; bookmarks are passed over."""
        while not (response := await self.next()).HasField("event"):
            pass
        assert response.resume_token
        return response.event

    async def events(self, count: int) -> list[str]:
        """Return so many events, in short."""
        return [told(await self.event()) for _ in range(count)]


def order(team: Team, *, types: Sequence[str] = (), **fields: object) -> pb.WatchRequest:
    """Return a request to watch a team; `types` are names such as `alias_set`."""
    numbers = [pb.EventType.Value(f"EVENT_TYPE_{name.upper()}") for name in types]
    filter_ = pb.EventFilter(
        types=numbers,
        project=str(fields.pop("project", "")),
        collections=fields.pop("collections", ()),  # type: ignore[arg-type]
        aliases=fields.pop("aliases", ()),  # type: ignore[arg-type]
    )
    return pb.WatchRequest(entity=team.name, filter=filter_, **fields)  # type: ignore[arg-type]


@asynccontextmanager
async def watching(team: Team, request: pb.WatchRequest | None = None) -> AsyncIterator[Watcher]:
    """Watch until the block is left."""
    call = registry_stub(team.server).Watch(request or order(team))
    try:
        yield Watcher(aiter(call))
    finally:
        call.cancel()
