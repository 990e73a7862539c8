"""Aliases as they were, without await: a part of `Client.registry`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from hydria.alias_history import AsyncAliasHistory
from hydria.alias_records import AliasInterval, RollbackResult
from hydria.loop_thread import LoopThread


class SyncAliasHistory:
    """Every method as that of `AsyncAliasHistory`. Lists are iterators."""

    def __init__(self, history: AsyncAliasHistory, loop: LoopThread) -> None:
        self._history = history
        self._loop = loop

    def history(
        self, name: str, alias: str = "", *, as_of: datetime | None = None
    ) -> Iterator[AliasInterval]:
        pages = self._history.history(name, alias, as_of=as_of)
        for page in self._loop.iterate(pages.pages()):
            yield from page

    def rollback(
        self, name: str, alias: str, *, expected_version: str | None = None
    ) -> RollbackResult:
        return self._loop.run(
            self._history.rollback(name, alias, expected_version=expected_version)
        )

    def protect(
        self, name: str, aliases: Sequence[str], *, is_registry: bool = False
    ) -> tuple[str, ...]:
        return self._loop.run(self._history.protect(name, aliases, is_registry=is_registry))

    def unprotect(
        self, name: str, aliases: Sequence[str], *, is_registry: bool = False
    ) -> tuple[str, ...]:
        return self._loop.run(self._history.unprotect(name, aliases, is_registry=is_registry))
