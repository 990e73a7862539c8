"""Watches by themselves: how long they last, and what their timers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from hydria_server.domain.errors import ServerDrainingError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import EventDraft, EventRecord
from hydria_server.services.event_hub import EventHub
from hydria_server.services.watch_tokens import WatchTokens
from hydria_server.services.watching import SignOfLife, Watch, Watches, WatchOrder
from hydria_server.storage.metadata.interface import Rows
from hydria_server.storage.metadata.store import SqlMetadataStore

TOKENS = WatchTokens("0" * 32)


@pytest.fixture
async def metadata() -> AsyncIterator[SqlMetadataStore]:
    metadata = await SqlMetadataStore.open_in_memory()
    yield metadata
    await metadata.close()


def watch(
    metadata: SqlMetadataStore, *, lifetime_seconds: float = 3600
) -> AbstractAsyncContextManager[Watch]:
    """Watch all of an entity."""
    watches = Watches(
        metadata,
        EventHub(metadata),
        TOKENS,
        lambda: 1,
        watches_max=1,
        lifetime_seconds=lifetime_seconds,
    )
    return watches.watch(WatchOrder("acme"))


async def write(metadata: SqlMetadataStore, entity_id: int, alias: str) -> None:
    """Commit an event."""

    async def record(rows: Rows) -> None:
        draft = EventDraft(EventType.ALIAS_SET, data={"alias": alias})
        await rows.events.record(entity_id, [draft], [], actor="ann", now_us=1)

    await metadata.write(record)


async def test_a_watch_that_has_lasted_long_is_ended_while_it_waits(
    metadata: SqlMetadataStore,
) -> None:
    async with asyncio.timeout(20), watch(metadata, lifetime_seconds=0.05) as watched:
        assert isinstance((await watched.next())[0], SignOfLife)
        with pytest.raises(ServerDrainingError):
            await watched.next()


async def test_a_bookmark_that_is_due_comes_before_events_and_is_after_those_that_were_told(
    metadata: SqlMetadataStore,
) -> None:
    async with asyncio.timeout(20), watch(metadata) as watched:
        (first,) = await watched.next()
        assert isinstance(first, SignOfLife)
        waiting = asyncio.create_task(watched.next())
        await write(metadata, watched.entity_id, "a")
        (event,) = await waiting
        assert isinstance(event, EventRecord)
        await write(metadata, watched.entity_id, "b")
        watched._be_due()  # as its timer does

        (bookmark,) = await watched.next()
        (last,) = await watched.next()

        assert isinstance(bookmark, SignOfLife)
        assert TOKENS.decode(bookmark.token, watched.entity_id).seq == event.seq
        assert isinstance(last, EventRecord)
        assert last.data["alias"] == "b"


async def test_a_watch_that_is_left_leaves_no_timer_behind(metadata: SqlMetadataStore) -> None:
    async with watch(metadata) as watched:
        await watched.next()
    assert watched._bookmark is not None
    assert watched._bookmark.cancelled()
    assert watched._end.cancelled()
