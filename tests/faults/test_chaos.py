"""Random operations, kills at named steps, and a model that knows what must be there afterwards.

A run that fails prints its seed: `make prove SEED=...` runs it again.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.changes import DeleteCollection, DeleteVersion, MoveAlias, Rename, Retype
from tests.faults.checker import problems_in
from tests.faults.crashes import pack_bytes
from tests.faults.forked_servers import forked_server
from tests.faults.history import History
from tests.faults.operations import Abort, Begin, Commit, FileOf, SendFile, Stage
from tests.faults.random_operations import KINDS, any_operation
from tests.faults.registry_changes import (
    CreateRegistry,
    DeleteRegistry,
    Link,
    Protect,
    Rollback,
    Unlink,
)
from tests.faults.seeds import Kept, kept_seeds
from tests.faults.shortcuts import Copy, PutSmall, Reuse
from tests.faults.simulated_history import CLIENTS, simulated_history
from tests.faults.simulated_world import End
from tests.faults.stub_client import Promises, StubClient, stub_client
from tests.faults.wire_client import WireClient

PACK_STEPS = (
    "packs.after_create",
    "packs.before_write",
    "disk.after_pwritev",
    "packs.after_write",
    "disk.after_fdatasync",
    "packs.after_sync",
    "disk.after_fsync",
)
SEAL_STEPS = ("packs.before_seal", "disk.after_rename", "packs.after_seal")
MAKERS = {
    "begin": ("UploadSessions.create",),
    "stage": ("ChunkIngest._index", "Staging.stage"),
    "send file": ("ChunkIngest._index", "Staging.stage_file"),
    "commit": ("ChunkIngest._index", "Commits._attempt"),
    "abort": ("UploadSessions.abort",),
    "move": ("Aliases.update",),
    "rename": ("Collections.update",),
    "retype": ("Collections.update",),
    "put small": (
        "UploadSessions.create",
        "ChunkIngest._index",
        "Staging.stage",
        "Commits._attempt",
    ),
    "copy": ("Copies.copy",),
    "reuse": ("Reuse.reuse",),
    "delete version": ("Versions.delete",),
    "delete collection": ("Collections.delete",),
    "link": ("Links.link",),
    "unlink": ("Links.unlink",),
    "rollback": ("AliasHistory.roll_back",),
    "protect": ("Protections.change",),
    "create registry": ("Registries.create",),
    "delete registry": ("Registries.delete",),
}
WRITES_BYTES = ("stage", "send file", "commit", "put small")
OPERATIONS_PER_ROUND = 5
ONE_OF_EACH = (
    Begin("one", "a"),
    Stage("one", "ada", 1, {"p": "5k"}),
    SendFile("one", "ben", "q", "9k"),
    Commit("one"),
    Begin("two", "a"),
    Abort("two"),
    MoveAlias("a", "best", 0),
    Begin("three", "a"),
    Stage("three", "ada", 1, {"p": "elsewhere"}, (), {"q": FileOf("a", 0, "p")}),
    PutSmall("four", "a", "dataset", {"p": "a byte"}),
    Copy("a", "best", "c"),
    Reuse("c", "dataset", {"p": "5k", "q": "9k"}),
    Retype("c", "model"),
    Rename("a", "b"),
    Link("b", 0, "model-registry/m", ("best",)),
    MoveAlias("b", "best", 1),
    Rollback("b", "best"),
    Unlink("model-registry/m", 0, with_aliases=True),
    Protect("model-registry/m", "best"),
    CreateRegistry("registry-x"),
    DeleteRegistry("registry-x"),
    DeleteVersion("b", 0, with_aliases=True),
    DeleteCollection("b"),
)


def steps_of(kind: str) -> list[str]:
    """Return the steps at which an operation of that kind may be killed."""
    steps = [
        f"metadata.{moment}_commit@{maker}"
        for maker in MAKERS[kind]
        for moment in ("before", "after")
    ]
    return [*steps, *PACK_STEPS] if kind in WRITES_BYTES else steps


class Chaos:
    """One store, from kill to kill."""

    def __init__(self, data: Path, seed: int) -> None:
        self.killed_at: Counter[str] = Counter()
        self._data = data
        self._source = random.Random(seed)
        self._history = History()
        self._promises = Promises()
        self._client = WireClient(self._source)

    async def round(self) -> None:
        """Serve until a step kills the server, or stop it; then look at what is left."""
        kind = self._source.choice([*KINDS])
        # The steps of sealing are reached when a server stops, and when the next one starts.
        step = self._source.choice([*steps_of(kind), *steps_of(kind), *SEAL_STEPS])
        before = pack_bytes(self._data)
        failpoint = f"{step}:{self._source.choice((1, 1, 1, 2))}"
        with forked_server(self._data, "--drain-seconds", "1", failpoint=failpoint) as server:
            alive = bool(server.address) and await self._live(server.address, kind)
            code = server.terminate() if alive else server.wait()
        assert code in (0, -signal.SIGKILL)
        self.killed_at[step] += code == -signal.SIGKILL
        after = pack_bytes(self._data)
        assert {pack_id: after[pack_id] for pack_id in before} == before
        assert problems_in(self._data) == []

    async def _live(self, address: str, kind: str) -> bool:
        """Do some things, one of that kind among them; tell whether the server is alive."""
        async with stub_client(address, self._promises) as stubs:
            self._client.stubs = stubs
            try:
                await self._settle(stubs)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                return False
            for turn in range(OPERATIONS_PER_ROUND):
                client = self._source.choice(CLIENTS)
                maker = KINDS[kind][0] if turn % 2 else any_operation
                operation = maker(self._source, self._history.model, client)
                outcome = await self._client.perform(operation)
                self._history.add([(operation, outcome)])
                if outcome is None:
                    return False
        return True

    async def _settle(self, stubs: StubClient) -> None:
        """Learn whether the call that was out when the server died has happened."""
        keys = {key for model in self._history.possible for key in model.uploads}
        self._history.settle(await self._client.look(sorted(keys)))
        upload_id = await stubs.create()
        assert await stubs.missing(upload_id, self._promises.durable_chunks) == []
        await stubs.stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))


async def run(data: Path, seed: int, rounds: int) -> Counter[str]:
    """Let a store live through so many servers; return where how many of them were killed."""
    chaos = Chaos(data, seed)
    for _ in range(rounds):
        await chaos.round()
    return chaos.killed_at


def test_every_step_is_reached_by_its_operation(tmp_path: Path) -> None:
    """A step that nobody reaches kills nobody: a function that makes transactions was renamed."""
    with simulated_history(tmp_path, seed=0) as history:
        for operation in ONE_OF_EACH:
            history.together([operation])
        history.restart(End.STOP)  # which seals
        reached = set(history.world.reached)

    assert {step for kind in KINDS for step in steps_of(kind)} | set(SEAL_STEPS) <= reached


async def test_random_kills_leave_what_the_model_says(tmp_path: Path) -> None:
    await run(tmp_path / "data", seed=1, rounds=4)


@pytest.mark.parametrize("kept", kept_seeds("kills"), ids=str)
async def test_a_seed_that_found_something_finds_nothing_more(tmp_path: Path, kept: Kept) -> None:
    await run(tmp_path / "data", kept.seed, kept.rounds)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [2])
async def test_a_hundred_random_kills_leave_what_the_model_says(tmp_path: Path, seed: int) -> None:
    killed_at = await run(tmp_path / "data", seed, rounds=100)

    assert killed_at.total() > 20


async def test_the_seed_that_was_asked_for(
    tmp_path: Path, proof_seed: int, proof_rounds: int
) -> None:
    await run(tmp_path / "data", proof_seed, proof_rounds)
