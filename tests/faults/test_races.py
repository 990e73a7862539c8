"""Many clients at once, on a real store that is looked at afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    NAME,
    PROJECT,
    Promises,
    StubClient,
    all_chunks,
    random_files,
)
from tests.refusals import outcome_of
from tests.servers import Server, disk_server

GONE = {"", "RESOURCE_NOT_FOUND", "ALIAS_NOT_FOUND", "VERSION_DELETED"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Serve a store that must be whole when all is done."""
    async with disk_server(tmp_path) as server:
        yield server
    assert problems_in(tmp_path) == []


def client_of(server: Server) -> StubClient:
    return StubClient(server.channel, Promises())


async def test_clients_that_send_the_same_chunks_at_once_all_succeed(server: Server) -> None:
    files = random_files(41, 2_600_000, *[300_000] * 8)

    async def log(seed: int) -> str:
        client = client_of(server)
        chunks = all_chunks(files)
        random.Random(seed).shuffle(chunks)
        upload_id = await client.create()
        await client.send(upload_id, chunks)
        await client.stage(upload_id, files)
        return (await client.commit(upload_id, files)).version.ref

    refs = await asyncio.gather(*(log(seed) for seed in range(4)))

    assert set(refs) == {f"{NAME}:v0"}
    assert await client_of(server).download(f"{NAME}:v0") == files


async def test_commits_at_once_get_consecutive_numbers_and_one_latest(server: Server) -> None:
    contents = [random_files(seed, 20_000) for seed in range(8)]

    versions = await asyncio.gather(
        *(client_of(server).upload(files, "best") for files in contents)
    )

    assert sorted(version.ref for version in versions) == [f"{NAME}:v{n}" for n in range(8)]
    for version, files in zip(versions, contents, strict=True):
        assert await client_of(server).download(version.ref) == files
    found = [
        (await server.stub.GetVersion(pb.GetVersionRequest(ref=f"{NAME}:{alias}"))).version.ref
        for alias in ("latest", "best")
    ]
    assert found == [f"{NAME}:v7"] * 2


async def test_of_many_who_move_one_alias_from_where_they_saw_it_one_wins(
    server: Server,
) -> None:
    for seed in range(4):
        await client_of(server).upload(random_files(seed, 100))

    async def move(number: int, expected: str) -> str:
        operation = pb.AliasOperation(
            alias="best", set_version=f"v{number % 4}", expected_version=expected
        )
        request = pb.UpdateAliasesRequest(
            entity=ENTITY, project=PROJECT, collection=COLLECTION, operations=[operation]
        )
        return await outcome_of(server.stub.UpdateAliases(request))

    seen = ""
    for turn in range(5):
        goal = turn % 4
        outcomes = await asyncio.gather(*(move(goal, seen) for _ in range(8)))
        assert sorted(outcomes) == [""] + ["ALIAS_CONFLICT"] * 7
        seen = f"v{goal}"


@pytest.mark.parametrize("seed", [0, *(pytest.param(at, marks=pytest.mark.slow) for at in (1, 2))])
async def test_commits_deletes_and_moves_at_once_leave_one_story(server: Server, seed: int) -> None:
    source = random.Random(seed)
    contents = [random_files(n, 500) for n in range(4)]
    await client_of(server).upload(contents[0])

    async def log() -> None:
        await client_of(server).upload(source.choice(contents), source.choice(("best", "worst")))

    async def delete() -> None:
        ref = f"{NAME}:v{source.randrange(6)}"
        request = pb.DeleteVersionRequest(ref=ref, delete_aliases=True)
        assert await outcome_of(server.stub.DeleteVersion(request)) in GONE

    async def move() -> None:
        operation = pb.AliasOperation(alias="best", set_version=f"v{source.randrange(6)}")
        request = pb.UpdateAliasesRequest(
            entity=ENTITY, project=PROJECT, collection=COLLECTION, operations=[operation]
        )
        assert await outcome_of(server.stub.UpdateAliases(request)) in GONE

    async def forget() -> None:
        request = pb.DeleteCollectionRequest(entity=ENTITY, project=PROJECT, collection=COLLECTION)
        assert await outcome_of(server.stub.DeleteCollection(request)) in GONE

    for _ in range(6):
        steps = source.choices((log, delete, move, forget), weights=(5, 3, 3, 1), k=8)
        await asyncio.gather(*(step() for step in steps))

    client = client_of(server)
    for ref in await client.versions():
        assert await client.download(ref) in contents


async def test_a_reader_sees_a_version_whole_or_not_at_all(server: Server) -> None:
    files = random_files(42, *[5_000] * 30)
    done = asyncio.Event()

    async def read() -> int:
        client, seen = client_of(server), 0
        while not done.is_set():
            for ref in await client.versions():
                assert await client.download(ref) == files
                seen += 1
        return seen

    async def write() -> None:
        await client_of(server).upload(files)
        done.set()

    await asyncio.gather(read(), read(), write())
    assert await client_of(server).versions() == [f"{NAME}:v0"]
