"""Random operations, random kills, and a dict that knows what must be there afterwards."""

from __future__ import annotations

import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.faults.checker import problems_in
from tests.faults.crashes import pack_bytes
from tests.faults.forked_servers import forked_server
from tests.faults.stub_client import (
    COLLECTION,
    ENTITY,
    NAME,
    PROJECT,
    Files,
    Promises,
    StubClient,
    all_chunks,
    stub_client,
)
from tests.refusals import outcome_of

STEPS = [
    *("packs.after_create", "packs.before_write", "packs.after_write", "packs.after_sync"),
    *("packs.before_seal", "packs.after_seal", "metadata.before_commit", "metadata.after_commit"),
]
ALIASES = ("best", "worst", "candidate")

State = tuple[dict[int, Files], dict[str, int]]
"""The versions that can be seen, by number, and where the aliases point."""


@dataclass(slots=True)
class Model:
    """What the store must hold. While a call is out, it may also hold what comes after."""

    versions: dict[int, Files] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    next_number: int = 0
    chunks: set[bytes] = field(default_factory=set)

    def committed(self, files: Files, aliases: tuple[str, ...]) -> Model:
        """Return what there is after a commit: equal content is found again."""
        equal = [n for n, content in self.versions.items() if content == files]
        number = max(equal, default=self.next_number)
        return Model(
            {**self.versions, number: files},
            {**self.aliases, **dict.fromkeys((*aliases, "latest"), number)},
            max(self.next_number, number + 1),
            self.chunks | set(all_chunks(files)),
        )

    def deleted(self, number: int) -> Model:
        """Return what there is after a version went with its aliases."""
        versions = {n: files for n, files in self.versions.items() if n != number}
        aliases = {alias: n for alias, n in self.aliases.items() if n != number}
        if versions and "latest" not in aliases:
            aliases["latest"] = max(versions)
        return Model(versions, aliases, self.next_number, self.chunks)

    def moved(self, alias: str, number: int) -> Model:
        """Return what there is after an alias was set."""
        return Model(self.versions, {**self.aliases, alias: number}, self.next_number, self.chunks)

    @property
    def state(self) -> State:
        return self.versions, self.aliases


class Chaos:
    """One store, from kill to kill."""

    def __init__(self, data: Path, seed: int) -> None:
        self._data = data
        self._source = random.Random(seed)
        self._model = Model()
        self._possible: Model | None = None  # what there may be if the call that is out succeeds

    async def round(self) -> None:
        """Serve until a step kills the server, or stop it; then look at what is left."""
        step = f"{self._source.choice(STEPS)}:{self._source.randint(1, 12)}"
        before = pack_bytes(self._data)
        with forked_server(self._data, "--drain-seconds", "1", failpoint=step) as server:
            alive = bool(server.address) and await self._live(server.address)
            code = server.terminate() if alive else server.wait()
        assert code in (0, -signal.SIGKILL)
        after = pack_bytes(self._data)
        assert {pack_id: after[pack_id] for pack_id in before} == before
        assert problems_in(self._data) == []

    async def _live(self, address: str) -> bool:
        """Do some things; return False when the server was killed meanwhile."""
        try:
            async with stub_client(address, Promises()) as client:
                await self._settle(client)
                for _ in range(4):
                    operation = self._source.choice(
                        (self._log, self._log_files, self._log, self._delete, self._move)
                    )
                    await operation(client)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        return True

    async def _settle(self, client: StubClient) -> None:
        """Learn whether the call that was out when the server died has happened."""
        found = await self._found(client)
        allowed = [model for model in (self._model, self._possible) if model is not None]
        self._model = next(model for model in allowed if model.state == found)
        self._possible = None
        upload_id = await client.create()
        chunks = list(self._model.chunks)
        assert await client.missing(upload_id, chunks) == []
        await client.stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))

    async def _found(self, client: StubClient) -> State:
        versions: dict[int, Files] = {}
        aliases: dict[str, int] = {}
        for ref in await client.versions():
            number = int(ref.rpartition(":v")[2])
            versions[number] = await client.download(ref)
            found = await client.stub.GetVersion(pb.GetVersionRequest(ref=ref))
            aliases.update(dict.fromkeys(found.version.aliases, number))
        return versions, aliases

    # --- operations ------------------------------------------------------------------------------

    async def _log(self, client: StubClient) -> None:
        files, aliases = self._files(), self._aliases()
        upload_id = await client.create()
        missing = await client.missing(upload_id, all_chunks(files))
        assert not set(missing) & self._model.chunks
        await client.send(upload_id, missing)
        self._model.chunks |= set(missing)
        client.promises.staged_seqs = 0
        await client.stage(upload_id, files)
        await self._try(
            self._model.committed(files, aliases),
            lambda: client.commit(upload_id, files, *aliases),
        )

    async def _log_files(self, client: StubClient) -> None:
        files, aliases = self._files(), self._aliases()
        upload_id = await client.create()
        for path, content in files.items():
            await client.upload_file(upload_id, path, content)
            self._model.chunks |= set(all_chunks({path: content}))
        await self._try(
            self._model.committed(files, aliases),
            lambda: client.commit(upload_id, files, *aliases),
        )

    async def _delete(self, client: StubClient) -> None:
        number = self._source.choice([*self._model.versions, 0])
        request = pb.DeleteVersionRequest(ref=f"{NAME}:v{number}", delete_aliases=True)
        if number in self._model.versions:
            after = self._model.deleted(number)
            await self._try(after, lambda: client.stub.DeleteVersion(request))
        else:
            outcome = await outcome_of(client.stub.DeleteVersion(request))
            assert outcome in ("RESOURCE_NOT_FOUND", "VERSION_DELETED")

    async def _move(self, client: StubClient) -> None:
        if not self._model.versions:
            return
        alias, number = self._source.choice(ALIASES), self._source.choice([*self._model.versions])
        request = pb.UpdateAliasesRequest(entity=ENTITY, project=PROJECT, collection=COLLECTION)
        request.operations.add(alias=alias, set_version=f"v{number}")
        after = self._model.moved(alias, number)
        await self._try(after, lambda: client.stub.UpdateAliases(request))

    async def _try(self, after: Model, call: Callable[[], Awaitable[object]]) -> None:
        self._possible = after
        await call()
        self._model, self._possible = after, None

    def _files(self) -> dict[str, bytes]:
        """Return a few files, now and then those of a version that exists."""
        known = [*self._model.versions.values()]
        if known and self._source.random() < 0.2:
            return dict(self._source.choice(known))
        sizes = [self._source.choice((0, 1, 700, 90_000)) for _ in range(3)]
        if self._source.random() < 0.2:
            sizes.append(2_300_000)
        return {f"f{n}": self._source.randbytes(size) for n, size in enumerate(sizes)}

    def _aliases(self) -> tuple[str, ...]:
        return tuple(self._source.sample(ALIASES, self._source.randint(0, 2)))


async def run(data: Path, seed: int, rounds: int) -> None:
    chaos = Chaos(data, seed)
    for _ in range(rounds):
        await chaos.round()


async def test_random_kills_leave_what_the_model_says(tmp_path: Path) -> None:
    await run(tmp_path / "data", seed=1, rounds=10)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 5))
async def test_a_hundred_random_kills_leave_what_the_model_says(tmp_path: Path, seed: int) -> None:
    await run(tmp_path / "data", seed=seed, rounds=100)
