"""The checker itself: a healthy store passes, and every broken promise is told."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from hydria.v1 import registry_pb2
from tests.faults.checker import problems_in
from tests.faults.stub_client import ENTITY, Promises, StubClient, random_files
from tests.servers import disk_server

FILES = random_files(7, 2_600_000, 500, 40)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with two versions, a link, an open upload and some history."""
    data = tmp_path_factory.mktemp("healthy")
    asyncio.run(_fill(data))
    return data


async def _fill(data: Path) -> None:
    async with disk_server(data) as server:
        client = StubClient(server.channel, Promises())
        await client.upload(FILES, "best")
        version = await client.upload(random_files(8, 300), "best")
        link = registry_pb2.LinkVersionRequest(
            source_ref=version.ref,
            entity=ENTITY,
            registry="model-registry",
            collection="m",
            aliases=["best"],
        )
        await client.registry.LinkVersion(link)
        upload_id = await client.create()
        await client.put(upload_id, [b"staged"])
        await client.stage(upload_id, {"staged": b"staged"})


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """Return a copy of it, served by nobody."""
    return Path(shutil.copytree(healthy, tmp_path / "data"))


def test_a_healthy_store_has_no_problems(data: Path) -> None:
    assert problems_in(data) == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE chunk SET pack_offset = pack_offset + 8", "I1"),
        ("UPDATE chunk SET pack_id = '00' || substr(pack_id, 3)", "I1"),
        ("UPDATE chunk SET digest = zeroblob(32) WHERE size_bytes = 500", "I1"),
        ("DELETE FROM chunk WHERE size_bytes = 500", "I2"),
        ("UPDATE chunk SET state = 3 WHERE size_bytes = 500", "I2"),
        ("DELETE FROM chunk WHERE digest IN (SELECT digest FROM version_shard)", "I2"),
        ("DELETE FROM version_shard", "I2"),
        ("UPDATE version SET digest = zeroblob(32)", "I2"),
        ("UPDATE version SET file_count = 17", "I2"),
        ("UPDATE chunk SET state = 2 WHERE size_bytes = 6", "I5"),
        ("UPDATE upload SET start_epoch = 9 WHERE state = 1", "I5"),
        ("UPDATE upload SET state = 3 WHERE state = 1", "I5"),
        ("UPDATE upload SET result_version_id = NULL", "half committed"),
        ("UPDATE version SET upload_id = 'another'", "made by no upload"),
        ("UPDATE version SET number = number + 10", "have a gap"),
        ("UPDATE collection SET version_count = 1", "counts its versions"),
        ("UPDATE version SET state = 2", "I7"),
        ("DELETE FROM alias WHERE name = 'latest'", "I7"),
        ("UPDATE alias SET version_id = 1 WHERE name = 'best'", "I8"),
        ("UPDATE alias_interval SET to_time_us = to_time_us + 1", "I8"),
        ("UPDATE alias_interval SET from_time_us = from_time_us - 1", "another story"),
        ("DELETE FROM alias_interval WHERE to_time_us IS NOT NULL", "another story"),
        ("UPDATE version SET state = 2 WHERE id = 2", "its source is not"),
        ("UPDATE version SET source_version_id = 99 WHERE id = 3", "has no source"),
        ("UPDATE version SET source_version_id = 3 WHERE id = 3", "one that is a link"),
        ("UPDATE version SET source_version_id = 1 WHERE id = 3", "something else than its source"),
        ("UPDATE collection SET type = 'x' WHERE name = 'm'", "something else than its source"),
        ("UPDATE version SET source_version_id = NULL WHERE id = 3", "or none in one"),
        ("DELETE FROM event WHERE type = 'version_linked'", "I8"),
        ("DELETE FROM event WHERE seq = 2", "I8"),
        ("DELETE FROM event WHERE type = 'version_committed'", "I8"),
        ("UPDATE event SET time_us = 0 WHERE seq = 7", "I8"),
        ("UPDATE entity SET last_event_seq = 3", "I8"),
        ("UPDATE upload SET entity_id = 5", "dangles"),
    ],
)
def test_a_broken_promise_is_told(data: Path, harm: str, told: str) -> None:
    connection = sqlite3.connect(data / "meta.db")
    with connection:
        connection.execute(harm)
    connection.close()

    assert any(told in problem for problem in problems_in(data))


@pytest.mark.parametrize("place", [3, 40, 130])
def test_a_flipped_byte_is_told(data: Path, place: int) -> None:
    (pack,) = data.rglob("*.pack")
    content = bytearray(pack.read_bytes())
    content[place] ^= 1
    pack.write_bytes(content)

    assert problems_in(data) != []


def test_a_pack_cut_short_is_told(data: Path) -> None:
    (pack,) = data.rglob("*.pack")
    pack.write_bytes(pack.read_bytes()[:-100])

    assert any("I1" in problem for problem in problems_in(data))


def test_a_pack_in_the_wrong_place_is_told(data: Path) -> None:
    (pack,) = data.rglob("*.pack")
    wrong = pack.parent.parent / "ZZ"
    wrong.mkdir()
    pack.rename(wrong / pack.name)

    assert any("wrong directory" in problem for problem in problems_in(data))
