"""Tells streams that the server is going away."""

from __future__ import annotations

import asyncio

from hydria_server.domain.errors import ServerDrainingError


class Drain:
    """What long uploads look at between messages, and while they wait for one.

    `begun` is done once the server shuts down. Make it on the loop that serves.
    """

    def __init__(self) -> None:
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """From now on long uploads end, in-band, with SERVER_DRAINING."""
        if not self.begun.done():
            self.begun.set_result(None)

    def check(self) -> None:
        """Return while the server serves.

        Raises:
            ServerDrainingError: it is shutting down.
        """
        if self.begun.done():
            raise ServerDrainingError("the server is shutting down; retry")
