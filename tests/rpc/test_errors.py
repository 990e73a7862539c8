"""Errors: one table, one shape, and nothing unforeseen leaves the server as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from hydria_server.domain import errors
from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.domain.errors import HydriaError
from hydria_server.rpc.errors import status_of, to_wire
from hydria_server.storage.packs.interface import PackUsage
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.refusals import CODES, refused
from tests.servers import memory_server
from tests.teams import Team, batch, entry, given, put

SECRET = "/var/lib/hydria/packs/01H.pack: SELECT * FROM chunk"


def classes(root: type[HydriaError]) -> Iterator[type[HydriaError]]:
    yield root
    for each in root.__subclasses__():
        yield from classes(each)


def test_every_error_with_a_name_of_its_own_is_in_the_contract_with_its_code() -> None:
    promised = {
        name.removeprefix("ERROR_REASON_")
        for name in types_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values_by_name
        if name != "ERROR_REASON_UNSPECIFIED"
    }
    assert promised == set(CODES)
    leaves = [each for each in classes(HydriaError) if not each.__subclasses__()]
    for each in leaves:
        assert each.reason in promised, each
        assert status_of(each.__new__(each)) is CODES[each.reason], each
    raised = {each.reason for each in classes(HydriaError)}
    assert promised <= raised, "a reason that the server knows no error for"


def test_a_wire_error_is_bounded_whatever_it_says() -> None:
    for text in ("x" * 10_000, "é" * 10_000, "🐦" * 10_000, "\ud800" * 10):
        wire = to_wire(
            errors.PathConflictError(text, details={f"key{at}": text for at in range(20)})
        )
        assert len(wire.message.encode()) <= 512
        assert len(wire.to_status()) <= 4096
        assert wire.to_message().reason == "PATH_CONFLICT"


def test_the_first_of_several_errors_is_told() -> None:
    group = BaseExceptionGroup("", [ExceptionGroup("", [errors.StorageFullError("full")])])
    assert to_wire(group).reason == "STORAGE_FULL"


class FaultyPacks(MemoryPackStore):
    """A pack store with a defect: it raises what nobody foresaw, with secrets in it."""

    faulty = True

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        if self.faulty:
            raise ZeroDivisionError(SECRET)
        return await super().append(domain, chunks)

    async def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        if self.faulty:
            raise KeyError(SECRET)
        return await super().read(domain, chunks)

    async def usage(self) -> PackUsage:
        return await super().usage()


async def test_what_nobody_foresaw_is_an_incident_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    packs = FaultyPacks()
    async with memory_server(packs=packs) as server:
        team = Team.new(server)
        upload_id = await team.begin()
        header = pb.UploadChunksHeader(upload_id=upload_id)
        stream = [pb.UploadChunksRequest(header=header)]
        stream.append(pb.UploadChunksRequest(batch=batch(b"x", seq=1)))
        fatal: list[types_pb2.Error] = []

        async def take() -> None:
            async for response in server.stub.UploadChunks(given(stream)):
                fatal[:] = [response.fatal]

        for call in (
            lambda: team.send(upload_id, b"x"),
            lambda: team.upload(upload_id, "a", b"x"),
            lambda: team.stage(upload_id, put(entry("a"))),
            take,
        ):
            caplog.clear()
            with refused("INTERNAL_ERROR") as refusal:
                await call()
            incident = refusal.metadata["incident_id"]
            assert SECRET not in refusal.message
            assert SECRET not in str(refusal.metadata)
            assert incident in refusal.message
            (record,) = (each for each in caplog.records if incident in each.getMessage())
            assert record.exc_info is not None
            assert SECRET in str(record.exc_info[1]), "the log has the cause"
        assert fatal[0].reason == "INTERNAL_ERROR"
        assert SECRET not in str(fatal[0])
        packs.faulty = False
        await team.upload(upload_id, "a", b"x")
        await team.commit(upload_id)
        packs.faulty = True
        with refused("INTERNAL_ERROR"):
            await team.contents()
        packs.faulty = False
        assert await team.contents() == {"a": b"x"}
        for budget in (server.services.budget, server.services.read_budget):
            assert budget.used_bytes == 0


async def test_a_defect_in_one_group_of_chunks_does_not_stop_the_server() -> None:
    packs = FaultyPacks()
    async with memory_server(packs=packs) as server:
        team = Team.new(server)
        upload_id = await team.begin()
        for _ in range(10):  # more than the groups that are in flight at once
            with refused("INTERNAL_ERROR"):
                await team.send(upload_id, b"x")
        packs.faulty = False
        assert (await team.send(upload_id, b"x")).stored_bytes == 1
