"""What is asked of the history of an entity, and what it answers, as values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hydria_server.domain.event_types import EventType


@dataclass(frozen=True, slots=True)
class EventBounds:
    """Which events of an entity are kept: `first` to `last`; `first` is `last + 1` for none."""

    first: int
    last: int
    last_time_us: int


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events, by the names that people give; whatever is empty selects all."""

    project: str = ""
    collections: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    types: tuple[EventType, ...] = ()


@dataclass(frozen=True, slots=True)
class EventScope:
    """What names of a filter stand for: everything that has them, or had them; None for all."""

    project_ids: frozenset[int] | None
    collection_ids: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Some events of an entity: numbers `first` to `last`, both included."""

    entity_id: int
    scope: EventScope
    aliases: Collection[str]  # these, and those below: empty for all
    types: Collection[EventType]
    actor: str
    first: int
    last: int
    descending: bool
    limit: int


@dataclass(frozen=True, slots=True)
class AliasHolder:
    """Where an alias pointed at some time: names as they are now, the rest as it was then."""

    collection_id: int
    alias: str
    entity: str
    project: str
    collection: str
    type: str
    number: int
    digest: bytes
    from_time_us: int
    actor: str

    @property
    def version_ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.number}"
