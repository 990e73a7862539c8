"""Commits in the order of the calls: versions of a collection are numbered as they were logged."""

from __future__ import annotations

import asyncio


class Turn:
    """One caller's place in the order of a collection."""

    def __init__(self, previous: Turn | None) -> None:
        self._previous = previous
        self._ended = asyncio.Event()

    @property
    def has_ended(self) -> bool:
        """Whether nobody needs to wait for this turn any more."""
        return self._ended.is_set()

    @property
    def has_come(self) -> bool:
        """Whether `wait` would not wait."""
        turn = self._previous
        while turn is not None and turn.has_ended:
            turn = turn._previous  # noqa: SLF001  # one of us
        return turn is None

    async def wait(self) -> None:
        """Wait until all turns before this one have ended, in whatever way."""
        while self._previous is not None:
            await self._previous._ended.wait()  # noqa: SLF001  # one of us
            self._previous = self._previous._previous  # noqa: SLF001

    def end(self) -> None:
        """Let the next one go."""
        self._ended.set()


class CommitOrder:
    """Gives out turns, fairly, for each collection by itself."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}

    def take(self, collection: str) -> Turn:
        """Return the turn after those given out before."""
        previous = self._last.get(collection)
        turn = Turn(previous)
        self._last = {name: last for name, last in self._last.items() if not last.has_ended}
        self._last[collection] = turn
        return turn
