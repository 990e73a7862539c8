"""What happened and what happens, without await."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from hydria.async_history import AsyncHistory
from hydria.history_records import Event
from hydria.loop_thread import LoopThread
from hydria.watching import BOOKMARK_SECONDS, Watch, Watched


class SyncWatch:
    """A `Watch` for code without an event loop: iterate over it, and close it."""

    def __init__(self, watch: Watch, loop: LoopThread) -> None:
        self._watch = watch
        self._loop = loop

    @property
    def token(self) -> bytes:
        """Where to go on after what was handed out last; see `Watch.token`."""
        return self._watch.token

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Watched:
        """Return the next thing; errors as `Watch`."""
        item = self._loop.run(self._next())
        if item is None:
            raise StopIteration
        return item

    async def _next(self) -> Watched | None:
        return await anext(self._watch, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the watch. Closing twice is fine."""
        if self._loop.is_running:
            self._loop.run(self._watch.aclose())


class SyncHistory:
    """The methods of `Client` about the history of an entity: each as that of `AsyncClient`."""

    _history: AsyncHistory
    _loop: LoopThread

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
    ) -> SyncWatch:
        watch = self._history.watch(
            where,
            aliases=aliases,
            types=types,
            snapshot=snapshot,
            token=token,
            coalesce=coalesce,
            snapshot_again=snapshot_again,
            bookmark_seconds=bookmark_seconds,
            retry_seconds=retry_seconds,
        )
        return SyncWatch(watch, self._loop)

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
    ) -> Iterator[Event]:
        pages = self._history.events(
            where,
            aliases=aliases,
            types=types,
            actor=actor,
            since=since,
            until=until,
            oldest_first=oldest_first,
        )
        for page in self._loop.iterate(pages.pages()):
            yield from page
