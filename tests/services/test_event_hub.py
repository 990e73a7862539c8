"""The hub that wakes whoever follows the history of an entity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from hydria_server.domain.errors import ServerDrainingError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import EventDraft, EventRecord
from hydria_server.services.event_feed import EventFeed, Reader
from hydria_server.services.event_hub import EventHub, Place
from hydria_server.services.outbox import PAGE_EVENTS
from hydria_server.services.watch_tokens import HistoryPlace
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore


class World:
    """A store with one entity, and a hub; `reads` counts what readers asked the database for."""

    def __init__(self, metadata: SqlMetadataStore, entity_id: int) -> None:
        self.metadata = metadata
        self.entity_id = entity_id
        self.hub = EventHub(metadata)

    async def write(self, *aliases: str) -> None:
        """Commit an event for each alias, all in one transaction."""
        drafts = [EventDraft(EventType.ALIAS_SET, data={"alias": alias}) for alias in aliases]

        async def record(rows: Rows) -> None:
            await rows.events.record(self.entity_id, drafts, [], actor="ann", now_us=1)

        await self.metadata.write(record)

    def following(self, *aliases: str) -> AbstractContextManager[Place]:
        """Give a place at the beginning, for events about some aliases or all."""

        def wants(event: EventRecord) -> bool:
            return not aliases or event.data["alias"] in aliases

        return self.hub.following(self.entity_id, after=HistoryPlace(0, 0), wants=wants)


async def told(place: Place) -> list[str]:
    """Return the aliases of the next events, once there are any."""
    async with asyncio.timeout(20):
        while not (events := await place.next()):
            pass
    return [str(event.data["alias"]) for event in events]


async def asleep(place: Place) -> asyncio.Task[list[str]]:
    """Return what `told` will return, once the place is at the end of the history and sleeps."""
    async with asyncio.timeout(20):
        assert await place.next() == []
    reading = asyncio.create_task(told(place))
    await asyncio.sleep(0)
    return reading


@pytest.fixture
async def world() -> AsyncIterator[World]:
    metadata = await SqlMetadataStore.open_in_memory()
    entity = await metadata.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))
    yield World(metadata, entity.id)
    await metadata.close()


async def test_a_place_is_read_on_in_order_and_without_a_gap(world: World) -> None:
    await world.write("a", "b")
    with world.following() as place:
        assert await told(place) == ["a", "b"]
        reading = await asleep(place)
        await world.write("c", "d")
        assert await reading == ["c", "d"]


async def test_who_waits_is_woken_by_what_is_wanted_alone(world: World) -> None:
    with world.following("wanted") as place:
        reading = await asleep(place)
        for _ in range(3):
            await world.write("other", "another")
        assert not reading.done()
        assert place.reader.at.seq == 6
        await world.write("before", "wanted", "after")
        assert await reading == ["wanted"]
        assert place.reader.at.seq == 9


async def test_who_was_given_events_is_given_those_that_came_meanwhile_next(world: World) -> None:
    with world.following() as place:
        reading = await asleep(place)
        await world.write("a")
        await world.write("b", "c")  # before the reader that was woken ran
        await world.write("d")
        assert await reading == ["a"]
        assert await told(place) == ["b", "c", "d"]


async def test_what_a_reader_read_before_its_feed_knew_of_it_is_not_told_again() -> None:
    feed = EventFeed()
    feed.grow([event(1)])
    reader = Reader(HistoryPlace(3, 3), lambda _event: True)
    feed.readers.add(reader)
    sleeping = asyncio.create_task(reader.sleep())
    await asyncio.sleep(0)

    feed.grow([event(2), event(3)])

    assert await sleeping == []
    assert feed.after(reader.at.seq) == []
    sleeping = asyncio.create_task(reader.sleep())
    await asyncio.sleep(0)
    feed.grow([event(4)])
    assert await sleeping == [event(4)]


async def test_more_events_than_a_page_are_not_handed_over_at_once(world: World) -> None:
    names = [f"a{number}" for number in range(PAGE_EVENTS + 1)]
    with world.following() as place:
        reading = await asleep(place)
        await world.write(*names)
        assert await reading + await told(place) == names


async def test_new_events_are_handed_to_all_readers_without_asking_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        places = [stack.enter_context(world.following()) for _ in range(50)]
        assert await places[0].next() == []
        readings = [asyncio.create_task(told(place)) for place in places]
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(world.hub, "read", None)
            await world.write("a")
            assert await asyncio.gather(*readings) == [["a"]] * 50


async def test_a_reader_far_behind_misses_nothing_and_the_feed_holds_one_page(world: World) -> None:
    names = [f"a{number}" for number in range(3 * PAGE_EVENTS + 7)]
    with world.following() as place:
        assert await place.next() == []
        for name in names:
            await world.write(name)

        read: list[str] = []
        while len(read) < len(names):
            page = await told(place)
            assert len(page) <= PAGE_EVENTS
            read += page

    assert read == names


async def test_what_another_process_wrote_is_found_by_looking(world: World) -> None:
    other = EventHub(world.metadata)
    world.metadata._listeners.clear()  # as if the commits were another process's
    world.hub = other
    with world.following() as place:
        reading = await asleep(place)
        await world.write("a", "b")
        await asyncio.sleep(0)
        assert not reading.done()

        await other.look()

        assert await reading == ["a", "b"]
        for _ in range(2 * PAGE_EVENTS):
            await world.write("c")
        await other.look()
        assert len(await told(place)) == PAGE_EVENTS


async def test_nobody_waits_once_the_server_shuts_down(world: World) -> None:
    with world.following() as place:
        reading = await asleep(place)
        world.hub.close()
        with pytest.raises(ServerDrainingError):
            await reading
        with pytest.raises(ServerDrainingError):
            await place.next()


async def test_events_of_a_transaction_that_failed_wake_nobody(world: World) -> None:
    async def fail(rows: Rows) -> None:
        draft = EventDraft(EventType.ALIAS_SET, data={"alias": "never"})
        await rows.events.record(world.entity_id, [draft], [], actor="ann", now_us=1)
        raise LookupError

    with world.following() as place:
        reading = await asleep(place)
        with pytest.raises(LookupError):
            await world.metadata.write(fail)
        await world.write("a")
        assert await reading == ["a"]


def event(seq: int) -> EventRecord:
    return EventRecord(seq, seq, EventType.ALIAS_SET, "ann", None, None, None, {})


async def test_a_feed_that_lacks_events_between_does_not_hand_out_a_gap() -> None:
    feed = EventFeed()
    feed.grow([event(1), event(2)])
    reader = Reader(HistoryPlace(2, 2), lambda _event: True)
    feed.readers.add(reader)
    sleeping = asyncio.create_task(reader.sleep())
    await asyncio.sleep(0)
    feed.grow([event(5)])

    assert await sleeping == []
    assert feed.after(2) is None
    assert feed.after(4) == [event(5)]
    assert feed.after(5) == []
