"""Any moves of aliases at any times: what they were as of each moment is what a model remembers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydria_server.domain.errors import AliasNotFoundError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import VersionState
from hydria_server.domain.refs import CollectionName
from hydria_server.services.alias_history import AliasHistory, HistoryRequest
from hydria_server.services.history import History
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore
from tests.conformance.metadata.given import a_line, a_version
from tests.examples_tried import of_examples

VERSIONS = 4
ALIASES = ("a", "b", "production")
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Move:
    """Some aliases at once, each to a version or, with None, away; `wait_us` after the last move.

    Clocks are set back now and then; time in the history never is.
    """

    wait_us: int
    targets: dict[str, int | None]
    deleted: int | None


MOVES = st.lists(
    st.builds(
        Move,
        wait_us=st.integers(-3, 5),
        targets=st.dictionaries(
            st.sampled_from(ALIASES), st.none() | st.integers(0, VERSIONS - 1), max_size=3
        ),
        deleted=st.none() | st.integers(0, VERSIONS - 1),
    ),
    max_size=8,
)


class World:
    """A store with one collection, and beside it the moments at which something moved."""

    def __init__(self, store: SqlMetadataStore) -> None:
        self.store = store
        self.name = CollectionName(f"team-{next(_NUMBERS)}", "vision", "cats")
        self.collection_id = 0
        self.entity_id = 0
        self.ids: list[int] = []
        self.now_us = 100
        self.now: dict[str, int] = {}
        self.was: list[tuple[int, dict[str, int]]] = []
        self.gone: set[int] = set()

    async def begin(self, rows: Rows) -> None:
        line = await a_line(rows, self.name.entity)
        self.collection_id, self.entity_id = line.collection_id, line.entity.id
        self.ids = [(await a_version(rows, line.collection_id)).id for _ in range(VERSIONS)]

    async def move(self, move: Move) -> None:
        self.now_us += move.wait_us

        async def apply(rows: Rows) -> int:
            history = History()
            for alias, target in move.targets.items():
                if target is None:
                    await history.remove_alias(rows, self.collection_id, alias)
                else:
                    version = await rows.versions.by_id(self.ids[target])
                    await history.point_alias(rows, version, alias, now_us=self.now_us)
            if move.deleted is not None:
                await rows.versions.mark_deleted([self.ids[move.deleted]], now_us=self.now_us)
            collection = await rows.names.collection_by_id(self.collection_id)
            history.add_collection(EventType.COLLECTION_UPDATED, collection)
            await history.record(rows, self.entity_id, actor="", now_us=self.now_us)
            return (await rows.events.after(self.entity_id, 0, limit=1000))[-1].time_us

        time_us = await self.store.write(apply)
        for alias, target in move.targets.items():
            if target is None:
                self.now.pop(alias, None)
            else:
                self.now[alias] = target
        if move.deleted is not None:
            self.gone.add(move.deleted)
        self.was.append((time_us, dict(self.now)))

    def state_of(self, number: int) -> VersionState:
        """Return the state of a version now."""
        return VersionState.DELETED if number in self.gone else VersionState.COMMITTED

    def expected(self, time_us: int) -> dict[str, int]:
        """Return where the aliases pointed at a time."""
        found: dict[str, int] = {}
        for moved_us, aliases in self.was:
            if moved_us <= time_us:
                found = aliases
        return found


async def as_of(
    history: AliasHistory, name: CollectionName, time_us: int
) -> dict[str, tuple[int, VersionState]]:
    """Return where the aliases pointed at a time, asked for one by one."""
    found = {}
    for alias in ALIASES:
        try:
            version = await history.version_at(f"{name}:{alias}", time_us)
        except AliasNotFoundError:
            continue
        found[alias] = version.number, version.state
    return found


async def listed(history: AliasHistory, name: CollectionName, page_size: int) -> list[object]:
    """Return the intervals of all aliases, page by page."""
    holdings: list[object] = []
    token = ""
    while True:
        page = await history.list(HistoryRequest(name, page_size=page_size, page_token=token))
        holdings += page.holdings
        token = page.next_page_token
        if not token:
            return holdings


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def store(runner: asyncio.Runner) -> Iterator[SqlMetadataStore]:
    """Give one store for all examples; each has an entity of its own."""
    store = runner.run(SqlMetadataStore.open_in_memory())
    yield store
    runner.run(store.close())


@settings(max_examples=of_examples(20), deadline=None)
@given(moves=MOVES, page_size=st.integers(1, 5))
def test_every_moment_of_the_past_is_what_it_was(
    runner: asyncio.Runner, store: SqlMetadataStore, moves: list[Move], page_size: int
) -> None:
    runner.run(check(World(store), moves, page_size))


async def check(world: World, moves: list[Move], page_size: int) -> None:
    await world.store.write(world.begin)
    for move in moves:
        await world.move(move)
    history = AliasHistory(world.store, lambda: world.now_us)
    for time_us in {0} | {moved + off for moved, _ in world.was for off in (-1, 0, 1)}:
        pointed = world.expected(time_us)
        assert await as_of(history, world.name, time_us) == {
            alias: (number, world.state_of(number)) for alias, number in pointed.items()
        }
        then = await history.list(HistoryRequest(world.name, as_of_us=time_us))
        assert {each.interval.alias: each.number for each in then.holdings} == pointed
    assert await listed(history, world.name, page_size) == await listed(history, world.name, 1000)
