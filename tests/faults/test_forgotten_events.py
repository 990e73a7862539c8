"""What a webhook has yet to deliver is not forgotten, or the webhook shows that it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from hydria.v1 import registry_pb2 as pb
from tests.clocks import ManualClock
from tests.hooks import Hook
from tests.servers import Server, memory_server, settings_for_tests
from tests.shelves import registry_stub
from tests.teams import Team
from tests.webhook_target import Target, webhook_target

DAY_SECONDS = 24 * 3600
ALIAS_SET = pb.EventFilter(types=[pb.EVENT_TYPE_ALIAS_SET], aliases=["best"])
PAUSED = pb.UpdateWebhookRequest(state=pb.WEBHOOK_STATE_PAUSED)
ACTIVE = pb.UpdateWebhookRequest(state=pb.WEBHOOK_STATE_ACTIVE)


@asynccontextmanager
async def forgetful_server(
    clock: ManualClock, *, webhook_days: int = 0
) -> AsyncIterator[tuple[Server, Team]]:
    """Serve a team with two versions; events are kept for a day."""
    settings = replace(
        settings_for_tests(),
        event_retention_seconds=DAY_SECONDS,
        webhook_retention_seconds=webhook_days * DAY_SECONDS,
    )
    async with memory_server(settings=settings, clock=clock) as server:
        team = Team.new(server)
        for content in (b"1", b"2"):
            await team.log({"a": content})
        yield server, team


async def move(team: Team, count: int) -> None:
    for number in range(count):
        await team.point("best", f"v{number % 2}")


async def kept_events(team: Team) -> int:
    request = pb.ListEventsRequest(entity=team.name, page_size=1000)
    return len((await registry_stub(team.server).ListEvents(request)).events)


def versions(target: Target) -> list[object]:
    return [request.data()["version"] for request in target.requests]


async def test_what_a_paused_webhook_has_yet_to_deliver_is_kept_for_it() -> None:
    clock = ManualClock()
    async with forgetful_server(clock) as (server, team), webhook_target() as target:
        await Hook(team).create(target.url, filter_=ALIAS_SET, paused=True)
        await move(team, 4)
        clock.advance(3 * DAY_SECONDS)
        await server.registry.retention.forget_old()
        assert await kept_events(team) == 4, "what was before the webhook may go"

        await Hook(team).update(ACTIVE, "state")
        await target.received(4)
        await Hook(team).logged(4)
        assert versions(target) == ["v0", "v1", "v0", "v1"]
        await server.registry.retention.forget_old()
        assert await kept_events(team) == 0
        assert not (await Hook(team).get()).missed_count


async def test_what_a_failing_webhook_has_yet_to_deliver_is_kept_for_it() -> None:
    clock = ManualClock()
    async with forgetful_server(clock) as (server, team), webhook_target() as target:
        target.status = 500
        await Hook(team).create(target.url, filter_=ALIAS_SET)
        await move(team, 4)
        await Hook(team).logged(1)
        clock.advance(3 * DAY_SECONDS)
        await server.registry.retention.forget_old()
        assert await kept_events(team) == 3, "the first is in the log, with its body"

        target.status = 200
        await Hook(team).update(ACTIVE, "state")
        await Hook(team).logged(4, "state = DELIVERED")
        assert versions(target)[-4:] == ["v0", "v1", "v0", "v1"]


async def test_beyond_the_limit_of_the_operator_a_webhook_shows_what_it_missed() -> None:
    clock = ManualClock()
    server_of = forgetful_server(clock, webhook_days=2)
    async with server_of as (server, team), webhook_target() as target:
        await Hook(team).create(target.url, filter_=ALIAS_SET, paused=True)
        await move(team, 4)
        clock.advance(3 * DAY_SECONDS)
        await move(team, 2)
        clock.advance(1.5 * DAY_SECONDS)
        await server.registry.retention.forget_old()
        await server.registry.retention.forget_old()

        shown = await Hook(team).get()
        assert shown.missed_count == 4
        assert shown.missed_at.seconds == clock.now_us // 1_000_000
        assert shown.state == pb.WEBHOOK_STATE_PAUSED
        await Hook(team).update(ACTIVE, "state")
        await Hook(team).logged(2)
        assert versions(target) == ["v0", "v1"]
        assert (await Hook(team).get()).missed_count == 4


async def test_a_webhook_that_was_deleted_keeps_nothing() -> None:
    clock = ManualClock()
    async with forgetful_server(clock) as (server, team):
        await Hook(team).create("http://127.0.0.1:9/", filter_=ALIAS_SET, paused=True)
        await move(team, 4)
        await Hook(team).delete()
        clock.advance(3 * DAY_SECONDS)
        await server.registry.retention.forget_old()
        assert await kept_events(team) == 0
