"""Power fails: of the packs only what was synced is left, and no row may point at anything else."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hydria_server.storage.metadata.store import SqlMetadataStore
from hydria_server.storage.packs.disk import DiskPackStore
from tests.faults.checker import problems_in
from tests.faults.crashes import by_chunks, by_files
from tests.faults.stub_client import Promises, StubClient
from tests.servers import disk_server, memory_server
from tests.storage.disk_pack_rig import WatchedDisk


@pytest.mark.parametrize("flow", [by_chunks, by_files])
async def test_power_lost_at_any_moment_leaves_no_row_without_its_bytes(
    tmp_path: Path, flow: Callable[[StubClient], Awaitable[None]]
) -> None:
    data, disk, left = tmp_path / "data", WatchedDisk(), list[Path]()

    def lose_power(_step: str) -> None:
        # All rows that were ever committed, and the bytes that are sure: the worst that can be.
        after = tmp_path / f"after-{len(left)}"
        after.mkdir()
        disk.lose_power(data / "packs", after / "packs")
        for file in data.glob("meta.db*"):
            shutil.copy(file, after)
        left.append(after)

    packs = await DiskPackStore.open(data / "packs", reserve_bytes=0, calls=disk.calls())
    metadata = await SqlMetadataStore.open(data / "meta.db", failpoint=lose_power)
    promises = Promises()
    async with memory_server(packs=packs, metadata=metadata) as server:
        await flow(StubClient(server.channel, promises))
        lose_power("when everything was acknowledged")

    assert len(left) > 20
    for after in left:
        assert problems_in(after) == []
    async with disk_server(left[-1]) as server:
        client = StubClient(server.channel, Promises())
        for ref, files in promises.versions.items():
            assert await client.download(ref) == files
