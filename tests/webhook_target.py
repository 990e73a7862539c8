"""A real HTTP server that webhooks call, which fails, stalls and recovers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What was received."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> dict[str, object]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    def data(self) -> dict[str, object]:
        data = self.json()["data"]
        assert isinstance(data, dict)
        return data


@dataclass(slots=True)
class Target:
    """The server. Change `status`, `location`, `answer` and `is_stalled` between requests."""

    url: str = ""
    status: int = 200
    location: str = ""
    answer: bytes = b"thanks"
    is_stalled: bool = False
    requests: list[Request] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        async with self._arrived:
            self.requests.append(Request(dict(request.headers), await request.read()))
            self._arrived.notify_all()
        if self.is_stalled:
            await self._freed.wait()
        headers = {"location": self.location} if self.location else {}
        return web.Response(status=self.status, body=self.answer, headers=headers)

    def free(self) -> None:
        """Stall no more, and answer what was stalled. It is done once."""
        self.is_stalled = False
        self._freed.set()

    async def received(self, count: int) -> list[Request]:
        """Wait until `count` requests have come; return all of them."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return list(self.requests)

    def aliases(self) -> list[object]:
        """Return which aliases the requests were about, in order."""
        return [request.data()["alias"] for request in self.requests]


@asynccontextmanager
async def webhook_target() -> AsyncIterator[Target]:
    """Run a target on a free port of loopback."""
    target = Target()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", target.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        target.url = f"http://{host}:{port}/hook"
        yield target
    finally:
        await runner.cleanup()
