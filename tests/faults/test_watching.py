"""Watchers that stop reading, servers that stop or die, and a history that is cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.history_records import AliasSnapshot, Event
from hydria.v1 import registry_pb2 as pb
from hydria.v1.artifact_pb2 import AliasOperation
from hydria_server.services.outbox import PAGE_EVENTS
from hydria_server.services.watch_tokens import HistoryPlace, WatchTokens
from tests.clocks import ManualClock
from tests.refusals import refused
from tests.servers import Server, memory_server, server_process, settings_for_tests
from tests.shelves import registry_stub
from tests.teams import Team
from tests.watchers import order, watching

DAY_SECONDS = 24 * 3600
ALIASES = [f"best-{number}" for number in range(20)]


async def moves(team: Team, count: int) -> None:
    """Move aliases to and fro, all of them at a time, until there are so many events."""
    for number in range(count // len(ALIASES)):
        version = f"v{number % 2}"
        moved = (AliasOperation(alias=alias, set_version=version) for alias in ALIASES)
        await team.change_aliases(*moved)


async def two_versions(server: Server) -> Team:
    """Return a team that has two versions."""
    team = Team.new(server)
    await team.log({"a": b"1"})
    await team.log({"a": b"2"})
    return team


async def test_a_watcher_that_stops_reading_misses_nothing_once_it_reads_again() -> None:
    count = 3 * PAGE_EVENTS
    async with memory_server() as server:
        team = await two_versions(server)
        async with watching(team, order(team, types=["alias_set"])) as watcher:
            await watcher.bookmark()
            await moves(team, count)
            told = [await watcher.event() for _ in range(count)]
        for alias in ALIASES:
            of_one = [event for event in told if event.alias == alias]
            assert [each.version_ref[-2:] for each in of_one] == ["v0", "v1"] * (count // 40)
            assert all(a.version_ref.endswith(b.previous_version) for a, b in pairwise(of_one))


async def test_a_watcher_that_never_reads_is_ended_and_the_others_go_on() -> None:
    settings = settings_for_tests(stall_timeout_seconds=1)
    async with memory_server(settings=settings) as server:
        team = await two_versions(server)
        stalled = registry_stub(server).Watch(order(team))
        async with watching(team, order(team, types=["alias_set"])) as watcher:
            await watcher.bookmark()
            reading = asyncio.create_task(watcher.events(600))
            await moves(team, 600)
            assert len(await reading) == 600
        stalled.cancel()


async def test_watchers_are_told_that_the_server_shuts_down_and_go_on_elsewhere() -> None:
    async with memory_server() as server:
        team = await two_versions(server)
        async with watching(team) as watcher:
            await watcher.bookmark()
            waiting = asyncio.create_task(watcher.next())
            await asyncio.sleep(0)
            server.registry.hub.close()  # what draining does
            with refused("SERVER_DRAINING"):
                await waiting


async def test_a_server_serves_as_many_watchers_as_it_may() -> None:
    settings = replace(settings_for_tests(), watches_max=2)
    async with memory_server(settings=settings) as server:
        team = Team.new(server)
        async with watching(team) as first, watching(team) as second:
            await first.bookmark()
            await second.bookmark()
            async with watching(team) as third:
                with refused("TOO_MANY_WATCHES"):
                    await third.next()


async def test_events_are_forgotten_when_they_are_too_old_and_tokens_with_them() -> None:
    clock = ManualClock()
    settings = replace(settings_for_tests(), event_retention_seconds=DAY_SECONDS)
    async with memory_server(settings=settings, clock=clock) as server:
        team = await two_versions(server)
        async with watching(team) as watcher:
            old = await watcher.bookmark()
            await team.log({"a": b"3"})
            await watcher.events(1)
            older = watcher.token
        clock.advance(seconds=2 * DAY_SECONDS)
        await team.point("best", "v0")
        assert await server.registry.retention.forget_old() == 8
        assert await server.registry.retention.forget_old() == 0

        page = await registry_stub(server).ListEvents(pb.ListEventsRequest(entity=team.name))
        assert [event.alias for event in page.events] == ["best"]
        for token in (old, older):
            async with watching(team, order(team, resume_token=token)) as watcher:
                with refused("WATCH_TOKEN_COMPACTED"):
                    await watcher.next()
        async with watching(team, order(team, send_initial_state=True)) as watcher:
            assert {each.alias for each in await watcher.state()} == {"best", "latest"}


@pytest.mark.parametrize("difference", [HistoryPlace(5, 0), HistoryPlace(0, 1)])
async def test_a_token_of_a_history_that_was_lost_is_found_out(difference: HistoryPlace) -> None:
    async with memory_server() as server:
        team = await two_versions(server)
        info = await server.metadata.read(lambda rows: rows.store.info())
        entity = await server.metadata.read(lambda rows: rows.names.entity(team.name))
        assert entity
        bounds = await server.metadata.read(lambda rows: rows.events.bounds(entity.id))
        lost = HistoryPlace(bounds.last + difference.seq, bounds.last_time_us + difference.time_us)
        token = WatchTokens(info.store_id).encode(entity.id, lost)
        async with watching(team, order(team, resume_token=token)) as watcher:
            with refused("WATCH_TOKEN_FROM_FUTURE"):
                await watcher.next()


@pytest.mark.parametrize(
    ("event_count", "restarts"),
    [(120, 2), pytest.param(10_000, 20, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])],
)
async def test_killed_servers_lose_and_skip_nothing(
    tmp_path: Path, event_count: int, restarts: int
) -> None:
    """Kill between event and delivery; check what was told against the history itself."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    told: list[Event] = []
    acknowledged: list[str] = []
    address = "127.0.0.1:0"
    watcher: asyncio.Task[None] | None = None
    for number in range(restarts + 1):
        with server_process(tmp_path / "data", "--listen", address) as process:
            address = process.address
            async with AsyncClient(address, project="p", cache_dir=tmp_path / "c") as client:
                if watcher is None:
                    for name in ("a", "b"):
                        await client.log("calls", tmp_path / name, type="model")
                    begun = asyncio.Event()
                    watcher = asyncio.create_task(follow(address, told, begun))
                    await begun.wait()
                share = event_count * (number + 1) // (restarts + 1)
                await move_until(client, acknowledged, share)
                if number < restarts:
                    process.kill()
                    continue
                history = [event async for event in client.events(oldest_first=True)]
                await client.set_aliases("calls:v0", ["end"])
                await asyncio.wait_for(watcher, 120)
    check(history, told, acknowledged)


async def follow(address: str, told: list[Event], begun: asyncio.Event) -> None:
    """Watch until the end is told."""
    async with (
        AsyncClient(address, project="p") as client,
        client.watch(snapshot=True, bookmark_seconds=5) as watch,
    ):
        async for item in watch:
            if isinstance(item, AliasSnapshot):
                begun.set()
            elif item.alias == "end":
                return
            else:
                told.append(item)


async def move_until(client: AsyncClient, acknowledged: list[str], count: int) -> None:
    """Move aliases, eight callers at a time, and remember what was acknowledged."""

    async def mover() -> None:
        while len(acknowledged) < count:
            alias = f"alias-{len(acknowledged)}"
            acknowledged.append(alias)
            await client.set_aliases("calls:v0", [alias])

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(mover())


def check(history: list[Event], told: list[Event], acknowledged: list[str]) -> None:
    """Compare what was told with the history: gap-free, in order, nothing twice, nothing lost."""
    first = next(at for at, event in enumerate(history) if event.event_id == told[0].event_id)
    assert [event.event_id for event in told] == [event.event_id for event in history[first:]]
    assert {event.alias for event in told if event.alias.startswith("alias-")} == set(acknowledged)
    times = [event.time for event in history]
    assert times == sorted(times)
