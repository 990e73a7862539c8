"""What must be true of looking into the history, and of cutting it."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventBounds, EventFilter, EventQuery, EventScope
from hydria_server.domain.records import EventDraft, EventRecord
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write
from tests.conformance.metadata.history import record

EVERYTHING = EventScope(None, None)


async def note(
    rows: Rows,
    line: Line,
    aliases: Sequence[str],
    *,
    type_: EventType = EventType.ALIAS_SET,
    actor: str = "ann",
    now_us: int = 50,
) -> None:
    """Record an event of a collection for each alias."""
    drafts = [
        EventDraft(type_, line.project_id, line.collection_id, None, {"alias": alias})
        for alias in aliases
    ]
    await rows.events.record(line.entity.id, drafts, [], actor=actor, now_us=now_us)


async def found(
    rows: Rows,
    line: Line,
    scope: EventScope = EVERYTHING,
    *,
    aliases: Sequence[str] = (),
    types: Sequence[EventType] = (),
    actor: str = "",
    first: int = 1,
    last: int = 1000,
    descending: bool = False,
    limit: int = 100,
) -> list[int]:
    """Return the numbers of the events that are found."""
    query = EventQuery(line.entity.id, scope, aliases, types, actor, first, last, descending, limit)
    return [event.seq for event in await rows.event_queries.find(query)]


class EventQueriesContract:
    """Everything about finding, bounding and forgetting events."""

    @in_one_write
    async def test_events_are_found_by_each_word_and_by_number(self, rows: Rows) -> None:
        cats, dogs = await a_line(rows), await a_line(rows, collection="dogs")
        await note(rows, cats, ["a", "b"])
        await note(rows, dogs, ["a"], type_=EventType.ALIAS_REMOVED, actor="bob")
        only_dogs = EventScope(None, frozenset([dogs.collection_id]))

        assert await found(rows, cats) == [1, 2, 3]
        assert await found(rows, cats, descending=True, limit=2) == [3, 2]
        assert await found(rows, cats, first=2, last=2) == [2]
        assert await found(rows, cats, aliases=["a"]) == [1, 3]
        assert await found(rows, cats, types=[EventType.ALIAS_REMOVED]) == [3]
        assert await found(rows, cats, actor="bob") == [3]
        assert await found(rows, cats, only_dogs) == [3]
        assert await found(rows, cats, EventScope(frozenset([cats.project_id]), None)) == [1, 2, 3]
        assert await found(rows, cats, EventScope(frozenset(), None)) == []

    @in_one_write
    async def test_names_stand_for_what_has_or_had_them(self, rows: Rows) -> None:
        cats = await a_line(rows)

        async def ids(*names: str) -> frozenset[int] | None:
            filter_ = EventFilter("vision", names)
            return (await rows.event_queries.scope(cats.entity.id, filter_)).collection_ids

        assert await ids() is None
        assert await ids("dogs") == frozenset()
        await rows.names.rename_collection(cats.collection_id, "lions", now_us=5)
        assert await ids("cats") == await ids("lions") == frozenset([cats.collection_id])
        again = await a_line(rows)
        assert await ids("cats") == frozenset([again.collection_id])
        await rows.names.delete_collection(again.collection_id, now_us=6)
        assert await ids("cats") == frozenset([again.collection_id])
        nowhere = EventFilter("nowhere")
        assert (await rows.event_queries.scope(cats.entity.id, nowhere)).project_ids == frozenset()

    @in_one_write
    async def test_a_time_is_found_by_the_first_event_that_is_not_before_it(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        for now_us in (10, 20, 30):
            await record(rows, line, events=2, now_us=now_us)

        seqs = [
            await rows.event_queries.seq_at(line.entity.id, time_us)
            for time_us in (0, 10, 11, 20, 30, 31)
        ]

        assert seqs == [1, 1, 3, 3, 5, 7]

    @in_one_write
    async def test_only_the_first_events_are_forgotten_and_numbers_go_on(self, rows: Rows) -> None:
        line = await a_line(rows)
        entity_id = line.entity.id
        assert await rows.events.bounds(entity_id) == EventBounds(1, 0, 0)
        for now_us in (10, 20, 30):
            await record(rows, line, events=2, now_us=now_us)
        assert await rows.events.bounds(entity_id) == EventBounds(1, 6, 30)
        assert await rows.event_queries.entities_before(11) == [entity_id]

        assert await rows.event_queries.forget_before(entity_id, 3, limit=100) == 2
        assert await rows.event_queries.forget_before(entity_id, 3, limit=100) == 0
        assert await rows.event_queries.entities_before(11) == []
        assert await rows.event_queries.forget_before(entity_id, 7, limit=3) == 3
        assert await rows.events.bounds(entity_id) == EventBounds(6, 6, 30)
        assert await rows.event_queries.forget_before(entity_id, 99, limit=100) == 1

        assert await rows.events.bounds(entity_id) == EventBounds(7, 6, 30)
        assert await rows.events.time_of(entity_id, 6) is None
        await record(rows, line, now_us=40)
        assert await found(rows, line) == [7]
        assert await rows.events.time_of(entity_id, 7) == 40
        assert await rows.events.heads([entity_id]) == {entity_id: 7}

    @in_one_write
    async def test_where_aliases_pointed_is_that_of_the_moment_asked_for(self, rows: Rows) -> None:
        line = await a_line(rows)
        one, two = [await a_version(rows, line.collection_id) for _ in range(2)]
        await record(rows, line, [("a", one.id), ("b", one.id)], now_us=10)
        await record(rows, line, [("a", two.id), ("b", None), ("c", two.id)], now_us=20)

        async def at(at_us: int, *aliases: str, after: str = "", limit: int = 9) -> dict[str, int]:
            holders = await rows.event_queries.holders(
                line.entity.id,
                EVERYTHING,
                aliases,
                at_us=at_us,
                after=(line.collection_id, after) if after else None,
                limit=limit,
            )
            return {holder.alias: holder.number for holder in holders}

        assert await at(9) == {}
        assert await at(10) == await at(19) == {"a": 0, "b": 0}
        assert await at(20) == {"a": 1, "c": 1}
        assert await at(15, "b") == {"b": 0}
        assert await at(20, limit=1) == {"a": 1}
        assert await at(15, after="a") == {"b": 0}

    async def test_listeners_are_told_of_what_was_committed_in_order(
        self, store: MetadataStore
    ) -> None:
        told: list[tuple[int, list[int]]] = []

        def listen(entity_id: int, events: Sequence[EventRecord]) -> None:
            told.append((entity_id, [event.seq for event in events]))
            raise LookupError  # which changes nothing

        store.on_events(listen)
        line = await store.write(a_line)
        for count in (1, 2):
            await store.write(lambda rows, count=count: note(rows, line, ["a"] * count))  # type: ignore[misc]

        assert told == [(line.entity.id, [1]), (line.entity.id, [2, 3])]
        events = await store.read(lambda rows: rows.events.after(line.entity.id, 0, limit=9))
        assert [event.seq for event in events] == [1, 2, 3]
