"""The hub that wakes whoever follows the history of an entity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hydria_server.domain.errors import ServerDrainingError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import EventDraft, EventRecord
from hydria_server.services.event_feed import EventFeed
from hydria_server.services.event_hub import EventHub, Place
from hydria_server.services.outbox import PAGE_EVENTS
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

    async def next(self, place: Place, *aliases: str) -> list[str]:
        """Return the aliases of the events that were read next, once there are any."""

        def wants(event: EventRecord) -> bool:
            return not aliases or event.data["alias"] in aliases

        async with asyncio.timeout(20):
            while not (events := await place.read()):
                await place.wait(wants, timeout_seconds=20)
        place.seq = events[-1].seq
        return [str(event.data["alias"]) for event in events]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    metadata = await SqlMetadataStore.open_in_memory()
    entity = await metadata.write(lambda rows: rows.names.ensure_entity("acme", now_us=1))
    yield World(metadata, entity.id)
    await metadata.close()


async def test_a_place_is_read_on_in_order_and_without_a_gap(world: World) -> None:
    await world.write("a", "b")
    with world.hub.following(world.entity_id, after_seq=0) as place:
        assert await world.next(place) == ["a", "b"]
        reading = asyncio.create_task(world.next(place))
        await world.write("c", "d")
        assert await reading == ["c", "d"]


async def test_who_waits_is_woken_by_what_is_wanted_alone(world: World) -> None:
    with world.hub.following(world.entity_id, after_seq=0) as place:
        assert await place.read() == []
        reading = asyncio.create_task(world.next(place, "wanted"))
        await asyncio.sleep(0)
        for _ in range(3):
            await world.write("other", "another")
        assert not reading.done()
        await world.write("before", "wanted", "after")

        events = await reading

    assert events == ["wanted", "after"]


async def test_new_events_are_handed_to_all_readers_without_asking_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.hub.following(world.entity_id, after_seq=0) as first:
        assert await first.read() == []
        readings = [asyncio.create_task(world.next(first)) for _ in range(50)]
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(world.hub, "read", None)
            await world.write("a")
            assert await asyncio.gather(*readings) == [["a"]] * 50


async def test_a_reader_far_behind_misses_nothing_and_the_feed_holds_one_page(world: World) -> None:
    names = [f"a{number}" for number in range(3 * PAGE_EVENTS + 7)]
    with world.hub.following(world.entity_id, after_seq=0) as place:
        assert await place.read() == []
        for name in names:
            await world.write(name)

        read: list[str] = []
        while len(read) < len(names):
            page = await world.next(place)
            assert len(page) <= PAGE_EVENTS
            read += page

    assert read == names


async def test_what_another_process_wrote_is_found_by_looking(world: World) -> None:
    other = EventHub(world.metadata)
    world.metadata._listeners.clear()  # as if the commits were another process's
    with other.following(world.entity_id, after_seq=0) as place:
        assert await place.read() == []
        reading = asyncio.create_task(world.next(place))
        await world.write("a", "b")
        await asyncio.sleep(0)
        assert not reading.done()

        await other.look()

        assert await reading == ["a", "b"]
        for _ in range(2 * PAGE_EVENTS):
            await world.write("c")
        await other.look()
        assert len(await world.next(place)) == PAGE_EVENTS


async def test_nobody_waits_once_the_server_shuts_down(world: World) -> None:
    with world.hub.following(world.entity_id, after_seq=0) as place:
        assert await place.read() == []
        reading = asyncio.create_task(world.next(place))
        await asyncio.sleep(0)
        world.hub.close()
        with pytest.raises(ServerDrainingError):
            await reading
        with pytest.raises(ServerDrainingError):
            await place.read()


async def test_events_of_a_transaction_that_failed_wake_nobody(world: World) -> None:
    async def fail(rows: Rows) -> None:
        draft = EventDraft(EventType.ALIAS_SET, data={"alias": "never"})
        await rows.events.record(world.entity_id, [draft], [], actor="ann", now_us=1)
        raise LookupError

    with world.hub.following(world.entity_id, after_seq=0) as place:
        assert await place.read() == []
        reading = asyncio.create_task(world.next(place))
        with pytest.raises(LookupError):
            await world.metadata.write(fail)
        await world.write("a")
        assert await reading == ["a"]


async def test_a_feed_that_lacks_events_between_does_not_hand_out_a_gap() -> None:
    def event(seq: int) -> EventRecord:
        return EventRecord(seq, seq, EventType.ALIAS_SET, "ann", None, None, None, {})

    feed = EventFeed()
    feed.grow([event(1), event(2)])
    feed.grow([event(5)])

    assert feed.after(2) is None
    assert feed.after(4) == [event(5)]
    assert feed.after(5) == []
