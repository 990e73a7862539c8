"""A server that is killed between an event and its delivery loses nothing and keeps the order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from hydria.client import AsyncClient
from hydria.errors import HydriaError
from hydria.records import AliasOperation
from hydria.v1 import registry_pb2, registry_pb2_grpc
from hydria.webhook_records import WebhookFilter
from tests.faults.forked_servers import ForkedServer, forked_server
from tests.webhook_target import Target, webhook_target

FLAGS = ("--webhook-networks", "127.0.0.0/8")
COLLECTION = "team/birds/calls"
SETTLED = "@Courier.deliver_next"


@asynccontextmanager
async def client_of(server: ForkedServer, directory: Path) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address, entity="team", cache_dir=directory) as client:
        yield client


async def begin(data: Path, target: Target) -> None:
    """Make a version and a paused webhook for its aliases."""
    with forked_server(data, *FLAGS) as server:
        async with client_of(server, data.parent) as client:
            (data.parent / "file").write_text("content")
            await client.log(COLLECTION, data.parent / "file", type="dataset")
            await client.webhooks.create(
                "hook", target.url, filter=WebhookFilter(types=("alias_set",)), paused=True
            )
        server.kill()


async def set_alias(client: AsyncClient, alias: str) -> None:
    await client.update_aliases(COLLECTION, [AliasOperation(alias=alias, version="v0")])


async def history(server: ForkedServer) -> list[str]:
    """Return the aliases that were set since the beginning, as the server tells."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = registry_pb2_grpc.RegistryServiceStub(channel)
        request = registry_pb2.ListEventsRequest(
            entity="team",
            filter=registry_pb2.EventFilter(types=[registry_pb2.EVENT_TYPE_ALIAS_SET]),
            oldest_first=True,
            page_size=1000,
        )
        events = (await stub.ListEvents(request)).events
    return [event.alias for event in events if event.alias != "latest"]


def first_times(target: Target) -> list[object]:
    """Return the aliases of the requests without repetitions, which are told by their ids."""
    seen = {request.id: request.data()["alias"] for request in target.requests}
    return list(seen.values())


async def require_all(target: Target, expected: Sequence[str]) -> None:
    """Wait until everything has arrived; then nothing is missing, and the order is kept."""
    async with asyncio.timeout(60):
        while len(first_times(target)) < len(expected):
            await target.received(len(target.requests) + 1)
    assert first_times(target) == list(expected)


@pytest.mark.parametrize("step", ["metadata.before_commit", "metadata.after_commit"])
async def test_killed_where_a_delivery_is_noted_it_sends_at_most_that_one_again(
    tmp_path: Path, step: str
) -> None:
    data = tmp_path / "data"
    async with webhook_target() as target:
        await begin(data, target)
        with forked_server(data, *FLAGS, failpoint=f"{step}{SETTLED}:4") as server:
            async with client_of(server, tmp_path) as client:
                for n in range(10):
                    await set_alias(client, f"a{n}")
                await client.webhooks.resume("hook")
                await asyncio.to_thread(server.wait)
        assert target.aliases() == ["a0", "a1", "a2", "a3"]

        with forked_server(data, *FLAGS):
            await require_all(target, [f"a{n}" for n in range(10)])

    repeated = ["a3"] if step == "metadata.before_commit" else []
    assert target.aliases() == ["a0", "a1", "a2", "a3", *repeated, *(f"a{n}" for n in range(4, 10))]


@pytest.mark.slow
async def test_killed_at_random_while_things_happen_nothing_is_lost(tmp_path: Path) -> None:
    chance = random.Random(7)
    data, acknowledged = tmp_path / "data", set()
    async with webhook_target() as target:
        await begin(data, target)
        for life in range(12):
            with forked_server(data, *FLAGS) as server:
                async with client_of(server, tmp_path) as client:
                    await client.webhooks.resume("hook")
                    for n in range(12):
                        await set_alias(client, f"{life}-{n}")
                        acknowledged.add(f"{life}-{n}")
                    died = asyncio.get_running_loop().call_later(
                        chance.uniform(0, 0.05), server.process.kill
                    )
                    try:
                        for n in range(12, 500):
                            await set_alias(client, f"{life}-{n}")
                            acknowledged.add(f"{life}-{n}")
                    except HydriaError:
                        assert died.when() <= asyncio.get_running_loop().time()

        with forked_server(data, *FLAGS) as server:
            happened = await history(server)
            await require_all(target, happened)
            assert acknowledged <= set(happened)


async def test_a_server_that_is_told_to_stop_ends_the_delivery_under_way(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with webhook_target() as target:
        await begin(data, target)
        with forked_server(data, *FLAGS) as server:
            async with client_of(server, tmp_path) as client:
                await client.webhooks.resume("hook")
                for n in range(30):
                    await set_alias(client, f"a{n}")
                await target.received(1)
            assert await asyncio.to_thread(server.terminate) == 0

        stopped_after = len(target.requests)
        with forked_server(data, *FLAGS):
            await require_all(target, [f"a{n}" for n in range(30)])

    assert len(target.requests) == 30, "what was under way was noted, and is not sent again"
    assert 0 < stopped_after <= 30
