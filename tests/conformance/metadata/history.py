"""What must be true of aliases, their intervals, and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest

from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.records import (
    AliasInterval,
    AliasMove,
    AliasTarget,
    EventDraft,
    EventRecord,
)
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write


class Aliases:
    @in_one_write
    async def test_an_alias_points_to_one_version_and_moving_it_tells_where_it_was(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        one, two = [await a_version(rows, line.collection_id) for _ in range(2)]

        assert await rows.aliases.point(line.collection_id, "best", one.id, now_us=5) is None
        assert await rows.aliases.point(line.collection_id, "best", two.id, now_us=6) == one.id
        assert await rows.aliases.point(line.collection_id, "best", two.id, now_us=7) == two.id

        assert await rows.aliases.of_collection(line.collection_id) == {"best": two.id}
        assert (await rows.versions.by_id(one.id)).aliases == ()
        assert (await rows.versions.by_id(two.id)).aliases == ("best",)

    @in_one_write
    async def test_aliases_are_pointed_together_and_each_tells_where_it_was(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        cats = line.collection_id
        one, two = [await a_version(rows, cats) for _ in range(2)]
        await rows.aliases.point(cats, "best", one.id, now_us=5)
        await rows.aliases.point(cats, "there", two.id, now_us=5)

        before = await rows.aliases.point_all(cats, ["best", "new", "there"], two.id, now_us=6)

        assert before == {
            "best": AliasTarget(one.id, one.number),
            "there": AliasTarget(two.id, two.number),
        }
        assert (await rows.versions.by_id(two.id)).aliases == ("best", "new", "there")
        assert await rows.aliases.point_all(cats, [], one.id, now_us=7) == {}

    @in_one_write
    async def test_removing_an_alias_tells_where_it_was(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)
        await rows.aliases.point(line.collection_id, "Best", version.id, now_us=5)

        assert await rows.aliases.remove(line.collection_id, "best") == version.id
        assert await rows.aliases.remove(line.collection_id, "best") is None
        assert await rows.aliases.of_collection(line.collection_id) == {"Best": version.id}

    @in_one_write
    async def test_collections_have_aliases_of_their_own(self, rows: Rows) -> None:
        cats, dogs = await a_line(rows), await a_line(rows, collection="dogs")
        cat, dog = (
            await a_version(rows, cats.collection_id),
            await a_version(rows, dogs.collection_id),
        )
        await rows.aliases.point(cats.collection_id, "best", cat.id, now_us=5)

        assert await rows.aliases.point(dogs.collection_id, "best", dog.id, now_us=5) is None
        assert await rows.aliases.remove(dogs.collection_id, "best") == dog.id
        assert await rows.aliases.of_collection(cats.collection_id) == {"best": cat.id}


async def record(
    rows: Rows,
    line: Line,
    moves: Sequence[tuple[str, int | None]] = (),
    *,
    events: int = 1,
    now_us: int,
    actor: str = "ann",
) -> int:
    """Record some events, and moves of aliases to version ids."""
    drafts = [EventDraft(EventType.ALIAS_SET)] * events
    alias_moves = [AliasMove(line.collection_id, alias, None, to) for alias, to in moves]
    return await rows.events.record(line.entity.id, drafts, alias_moves, actor=actor, now_us=now_us)


class Events:
    @in_one_write
    async def test_events_are_kept_as_they_were_recorded(self, rows: Rows) -> None:
        line = await a_line(rows)
        data: Mapping[str, Json] = {
            "alias": "best",
            "from": None,
            "numbers": [1, 2.5, True],
            "é": {"a": "\u2028"},
        }
        draft = EventDraft(EventType.ALIAS_SET, line.project_id, line.collection_id, 77, data)

        time_us = await rows.events.record(line.entity.id, [draft], [], actor="ann", now_us=50)

        assert time_us == 50
        assert await rows.events.after(line.entity.id, 0, limit=10) == [
            EventRecord(
                seq=1,
                time_us=50,
                type=EventType.ALIAS_SET,
                actor="ann",
                project_id=line.project_id,
                collection_id=line.collection_id,
                version_id=77,
                data=data,
            )
        ]

    @in_one_write
    async def test_numbers_begin_at_1_and_have_no_gaps_in_each_entity(self, rows: Rows) -> None:
        line, other = await a_line(rows), await a_line(rows, entity="other")
        for count in (1, 0, 3, 2):
            await record(rows, line, events=count, now_us=50)
            await record(rows, other, events=1, now_us=50)

        ours = await rows.events.after(line.entity.id, 0, limit=100)
        theirs = await rows.events.after(other.entity.id, 0, limit=100)

        assert [event.seq for event in ours] == [1, 2, 3, 4, 5, 6]
        assert [event.seq for event in theirs] == [1, 2, 3, 4]

    async def test_a_transaction_that_failed_leaves_no_gap(self, store: MetadataStore) -> None:
        line = await store.write(a_line)

        async def fail(rows: Rows) -> None:
            await record(rows, line, events=5, now_us=50)
            raise LookupError

        for _ in range(2):
            await store.write(lambda rows: record(rows, line, now_us=40))
            with pytest.raises(LookupError):
                await store.write(fail)

        events = await store.read(lambda rows: rows.events.after(line.entity.id, 0, limit=10))
        assert [(event.seq, event.time_us) for event in events] == [(1, 40), (2, 41)]

    @in_one_write
    async def test_times_never_stand_still_or_go_back(self, rows: Rows) -> None:
        line, other = await a_line(rows), await a_line(rows, entity="other")

        times = [await record(rows, line, now_us=now_us) for now_us in (50, 50, 20, 52, 60)]

        assert times == [50, 51, 52, 53, 60]
        events = await rows.events.after(line.entity.id, 0, limit=10)
        assert [event.time_us for event in events] == times
        assert await record(rows, other, now_us=10) == 10

    @in_one_write
    async def test_events_are_read_on_from_a_number(self, rows: Rows) -> None:
        line = await a_line(rows)
        await record(rows, line, events=7, now_us=50)

        async def seqs(after: int, limit: int) -> list[int]:
            events = await rows.events.after(line.entity.id, after, limit=limit)
            return [event.seq for event in events]

        assert await seqs(0, 3) == [1, 2, 3]
        assert await seqs(3, 3) == [4, 5, 6]
        assert await seqs(6, 3) == [7]
        assert await seqs(7, 3) == []


class AliasIntervals:
    @in_one_write
    async def test_a_move_closes_an_interval_and_opens_the_next(self, rows: Rows) -> None:
        line = await a_line(rows)
        one, two = [await a_version(rows, line.collection_id) for _ in range(2)]

        await record(rows, line, [("best", one.id), ("latest", one.id)], now_us=50)
        await record(rows, line, [("best", two.id)], now_us=60, actor="bob")
        await record(rows, line, [("best", None)], now_us=70, actor="cy")
        await record(rows, line, [("best", one.id)], now_us=80, actor="dee")

        cats = line.collection_id
        assert await rows.aliases.intervals(cats, "best") == [
            AliasInterval(cats, "best", one.id, 50, 60, "ann"),
            AliasInterval(cats, "best", two.id, 60, 70, "bob"),
            AliasInterval(cats, "best", one.id, 80, None, "dee"),
        ]
        assert await rows.aliases.intervals(cats, "latest") == [
            AliasInterval(cats, "latest", one.id, 50, None, "ann")
        ]
        assert await rows.aliases.intervals(cats, "worst") == []

    @in_one_write
    async def test_a_move_to_where_the_alias_is_changes_no_interval(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        await record(rows, line, [("best", version.id)], now_us=50)
        before = await rows.aliases.intervals(line.collection_id, "best")

        await record(rows, line, [("best", version.id), ("worst", None)], now_us=60)

        assert await rows.aliases.intervals(line.collection_id, "best") == before
        assert await rows.aliases.intervals(line.collection_id, "worst") == []

    @in_one_write
    async def test_of_two_moves_at_one_time_the_second_stands(self, rows: Rows) -> None:
        line = await a_line(rows)
        one, two, three = [await a_version(rows, line.collection_id) for _ in range(3)]
        await record(rows, line, [("best", one.id)], now_us=50)

        await record(rows, line, [("best", two.id), ("best", three.id)], now_us=60)

        intervals = await rows.aliases.intervals(line.collection_id, "best")
        assert [(i.version_id, i.from_time_us, i.to_time_us) for i in intervals] == [
            (one.id, 50, 60),
            (three.id, 60, None),
        ]

    @in_one_write
    async def test_at_any_time_an_alias_was_in_one_place(self, rows: Rows) -> None:
        line = await a_line(rows)
        versions = [await a_version(rows, line.collection_id) for _ in range(3)]
        targets = [versions[n % 3].id if n % 4 else None for n in range(1, 40)]
        for target in targets:
            await record(rows, line, [("best", target)], events=0, now_us=1)

        intervals = await rows.aliases.intervals(line.collection_id, "best")

        for earlier, later in pairwise(intervals):
            assert earlier.to_time_us is not None
            assert earlier.from_time_us < earlier.to_time_us <= later.from_time_us


class HistoryContract(Aliases, Events, AliasIntervals):
    """Everything about aliases and events."""
