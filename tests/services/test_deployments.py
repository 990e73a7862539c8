"""Deployments are bounded: in number, and in how long those that are over are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hydria_server.services import deployments as module
from hydria_server.services.deployments import Deployments
from tests.clocks import ManualClock
from tests.conformance.registry_deployments import Serving, listed
from tests.refusals import refused
from tests.servers import Server, memory_server
from tests.teams import Team


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[Server]:
    async with memory_server(clock=clock) as server:
        yield server


async def test_an_entity_has_a_limit_and_those_that_ended_make_room(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DEPLOYMENTS", 2)
    team = Team.new(server)
    await team.log({"a": b"0"})
    for host in ("a", "b"):
        await Serving(team, host=host).report(team.ref())
    with refused("TOO_MANY_DEPLOYMENTS"):
        await Serving(team, host="c").report(team.ref())
    await Serving(team, host="b").report(team.ref())  # renewing takes no room
    await Serving(team, host="a").end()
    await Serving(team, host="c").report(team.ref(), labels={"k": "v"})
    found = await listed(team, filter="state = LIVE OR state = ENDED", order_by="host")
    assert [each.host for each in found] == ["b", "c"]


async def test_those_that_are_over_are_forgotten_after_a_while(
    server: Server, clock: ManualClock
) -> None:
    team = Team.new(server)
    await team.log({"a": b"0"})
    keeping = Deployments(server.metadata, clock, keep_seconds=100)
    await Serving(team, host="ended").report(team.ref(), labels={"k": "v"})
    await Serving(team, host="ended").end()
    await Serving(team, host="lost").report(team.ref(), lease_seconds=50)
    clock.advance(101)
    await Serving(team, host="live").report(team.ref())
    every = "state = LIVE OR state = LOST OR state = ENDED"
    assert await keeping.forget_old() == 1
    assert [each.host for each in await listed(team, filter=every)] == ["live", "lost"]
    clock.advance(50)
    assert await keeping.forget_old() == 1
    assert [each.host for each in await listed(team, filter=every)] == ["live"]
