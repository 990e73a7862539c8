"""PutVersion, retried with the same request id."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import pytest

from hydria.v1 import artifact_pb2
from hydria_server.domain.chunks import Chunk, Location
from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.storage.packs.memory import MemoryPackStore
from tests.servers import memory_server

REQUEST = artifact_pb2.PutVersionRequest(
    entity="team",
    project="birds",
    collection="calls",
    type="dataset",
    files=[artifact_pb2.InlineFile(path="a.txt", content=b"a")],
    request_id="once",
)


class PacksThatFailOnce(MemoryPackStore):
    """Cannot open a pack the first time, as when files run out."""

    failed = False

    async def append(self, domain: bytes, chunks: Sequence[Chunk]) -> list[Location]:
        if not self.failed:
            self.failed = True
            raise StorageUnavailableError("no pack can be opened just now")
        return await super().append(domain, chunks)


async def test_a_call_that_was_unavailable_succeeds_when_it_is_retried() -> None:
    async with memory_server(packs=PacksThatFailOnce()) as server:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await server.stub.PutVersion(REQUEST)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        response = await server.stub.PutVersion(REQUEST)
        assert response.created
        assert response.version.ref == "team/birds/calls:v0"
