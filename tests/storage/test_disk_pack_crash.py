"""What is left of a disk pack store when the power fails or the process is killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hydria_server.domain.chunks import Location, StoredChunk
from hydria_server.storage.packs.disk import DiskPackStore
from tests.conformance.pack_store import append, chunks_of, data_of, read
from tests.storage.disk_pack_rig import DiskRig

STEPS = [
    "packs.after_create",
    "packs.before_write",
    "packs.after_write",
    "packs.after_sync",
    "packs.before_seal",
    "packs.after_seal",
]


async def test_power_lost_at_any_moment_takes_nothing_acknowledged(tmp_path: Path) -> None:
    rig = DiskRig(tmp_path)
    acknowledged: list[StoredChunk] = []
    snapshots: list[tuple[Path, list[StoredChunk]]] = []

    def lose_power_here() -> None:
        after = rig.directory / f"after-{len(snapshots)}"
        snapshots.append((after, list(acknowledged)))
        rig.disk.lose_power(rig.root, after)

    store = await rig.open(seal_bytes=3000)
    rig.disk.before_call = lose_power_here
    for seed in range(12):
        acknowledged += await append(store, chunks_of(300, 500, seed=seed))
    await store.close()

    assert len(snapshots) >= 12 + 12 + 3 * 6
    wanted = [data for seed in range(12) for data in data_of(chunks_of(300, 500, seed=seed))]
    for root, chunks in snapshots:
        survivor = await DiskPackStore.open(root, reserve_bytes=0)
        assert await read(survivor, chunks) == wanted[: len(chunks)]
        await survivor.close()


WORKER = """
import asyncio, os, signal, sys
from pathlib import Path
from hydria_server.storage.packs.disk import DiskPackStore
from tests.conformance.pack_store import append, chunks_of

calls = 0

def die(name):
    global calls
    calls += name == sys.argv[2]
    if calls == 2:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = await DiskPackStore.open(Path(sys.argv[1]), seal_bytes=3000, failpoint=die)
    for seed in range(100):
        for found in await append(store, chunks_of(300, 500, seed=seed)):
            print(found.location.pack_id, found.location.offset, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_killed_at_any_step_loses_nothing_acknowledged(
    tmp_path: Path, step: str
) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", WORKER, str(tmp_path / "packs"), step],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    # The kill may have cut the last line short: what it would have said was not said.
    lines = done.stdout.splitlines(keepends=True)
    places = [line.split() for line in lines if line.endswith("\n")]
    chunks = [chunk for seed in range(100) for chunk in chunks_of(300, 500, seed=seed)]
    found = [
        StoredChunk(
            chunk.digest, chunk.size_bytes, Location(place[0], int(place[1]), chunk.size_bytes)
        )
        for chunk, place in zip(chunks, places, strict=False)
    ]

    store = await DiskPackStore.open(tmp_path / "packs")

    assert len(found) >= 2
    assert await read(store, found) == data_of(chunks)[: len(found)]
    assert list((tmp_path / "packs" / "open").iterdir()) == []
    found = await append(store, chunks_of(10, seed=1000))
    assert await read(store, found) == data_of(chunks_of(10, seed=1000))
    await store.close()
