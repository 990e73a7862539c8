"""Tells streams that the server is going away."""

from __future__ import annotations

from hydria_server.domain.errors import ServerDrainingError


class Drain:
    """A flag that long calls look at between messages."""

    def __init__(self) -> None:
        self._begun = False

    def begin(self) -> None:
        """From now on long uploads end, in-band, with SERVER_DRAINING."""
        self._begun = True

    def check(self) -> None:
        """Return while the server serves.

        Raises:
            ServerDrainingError: it is shutting down.
        """
        if self._begun:
            raise ServerDrainingError("the server is shutting down; retry")
