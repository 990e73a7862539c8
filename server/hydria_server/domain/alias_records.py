"""Aliases as they were, and those that hold on to something."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.records import AliasInterval, VersionState


@dataclass(frozen=True, slots=True)
class AliasHolding:
    """An interval of an alias, with the version that held it, as that stands now."""

    interval: AliasInterval
    number: int
    state: VersionState


@dataclass(frozen=True, slots=True)
class AliasHistoryQuery:
    """Which intervals of a collection: of one alias, or those that hold a moment, or both.

    `after` is the begin and the alias of the last one of the page before.
    """

    collection_id: int
    alias: str | None
    as_of_us: int | None
    after: tuple[int, str] | None
    limit: int


@dataclass(frozen=True, slots=True)
class HeldAlias:
    """An alias that points somewhere, by its full name."""

    entity: str
    project: str
    collection: str
    alias: str

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:{self.alias}"
