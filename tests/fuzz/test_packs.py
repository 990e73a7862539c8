"""Packs that were harmed: a scan finds true records only, and a server serves true bytes only."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.record import RecordDamagedError, RecordTooNewError
from hydria_server.storage.packs.scan import scan
from tests.conformance.pack_store import DOMAIN, append, chunks_of
from tests.examples_tried import of_examples
from tests.faults.damage import served
from tests.faults.stub_client import NAME, random_files
from tests.fuzz.mutations import HARMS, Harm, mutated
from tests.refusals import outcome_of

FILES = random_files(71, 700, 0, 9_000)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pack with five records."""
    root = tmp_path_factory.mktemp("pack")

    async def fill() -> None:
        store = await DiskPackStore.open(root, reserve_bytes=0)
        await append(store, chunks_of(10, 0, 300, 77, 8))
        await store.close()

    asyncio.run(fill())
    return next(root.rglob("*.pack"))


@given(data=st.data())
def test_a_scan_of_a_harmed_pack_finds_true_records_only(
    pack: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    harmed = tmp_path_factory.getbasetemp() / "harmed" / pack.name
    harmed.parent.mkdir(exist_ok=True)
    harmed.write_bytes(data.draw(mutated(st.just(pack.read_bytes()))))
    written = {(record.domain, record.chunk.digest) for record in scan(pack)}

    try:
        found = {(record.domain, record.chunk.digest) for record in scan(harmed)}
    except (RecordDamagedError, RecordTooNewError):
        return
    assert found <= written
    assert {domain for domain, _ in written} == {DOMAIN}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a store with one small version, which nobody serves."""
    data = tmp_path_factory.mktemp("store") / "data"
    data.mkdir()

    async def fill() -> None:
        async with served(data) as client:
            await client.upload(FILES)

    asyncio.run(fill())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data)
        yield data


@settings(max_examples=of_examples(15))
@given(harms=st.lists(HARMS, min_size=1, max_size=3))
def test_a_store_with_a_harmed_pack_serves_the_truth_or_data_loss(
    store: Path, tmp_path_factory: pytest.TempPathFactory, harms: list[Harm]
) -> None:
    data = Path(shutil.copytree(store, tmp_path_factory.mktemp("served") / "data"))
    pack = next(data.rglob("*.pack"))
    content = pack.read_bytes()
    for harm in harms:
        content = harm(content)
    pack.write_bytes(content)

    async def read() -> None:
        async with served(data) as client:
            outcome = await outcome_of(client.download(f"{NAME}:v0"))
            assert outcome in {"", "CHUNK_CORRUPT", "STORAGE_UNAVAILABLE"}
            if not outcome:
                assert await client.download(f"{NAME}:v0") == FILES

    asyncio.run(read())
    shutil.rmtree(data)
