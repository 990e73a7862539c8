"""Bytes that are no messages, on every call: a clean status, and a server that goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor

from hydria.v1 import artifact_pb2 as pb
from tests.refusals import CODES, outcome_of, refused
from tests.rpc.hostile_messages import HostileMessages, Known
from tests.servers import Server, memory_server
from tests.teams import Team, digest

SERVICE = pb.DESCRIPTOR.services_by_name["ArtifactService"]
METHODS = sorted(SERVICE.methods_by_name)
NOT_A_MESSAGE = b"\xff\xff\xff\xff"
TIMEOUT_SECONDS = 20.0
RawUnary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"
RawUnaryStream: TypeAlias = "grpc.aio.UnaryStreamMultiCallable[bytes, bytes]"
RawStreamUnary: TypeAlias = "grpc.aio.StreamUnaryMultiCallable[bytes, bytes]"
RawStreamStream: TypeAlias = "grpc.aio.StreamStreamMultiCallable[bytes, bytes]"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    async with memory_server() as server:
        yield server


async def call_raw(server: Server, method: MethodDescriptor, raws: Sequence[bytes]) -> None:
    """Call a method with raw bytes for its requests, and take whatever comes."""
    path = f"/{SERVICE.full_name}/{method.name}"
    first, channel = raws[0], server.channel
    if method.client_streaming and method.server_streaming:
        both: RawStreamStream = channel.stream_stream(path)
        async for _ in both(iter(raws), timeout=TIMEOUT_SECONDS):
            pass
    elif method.client_streaming:
        inward: RawStreamUnary = channel.stream_unary(path)
        await inward(iter(raws), timeout=TIMEOUT_SECONDS)
    elif method.server_streaming:
        outward: RawUnaryStream = channel.unary_stream(path)
        async for _ in outward(first, timeout=TIMEOUT_SECONDS):
            pass
    else:
        unary: RawUnary = channel.unary_unary(path)
        await unary(first, timeout=TIMEOUT_SECONDS)


async def require_healthy(server: Server) -> None:
    """Make and read a version."""
    team = Team.new(server)
    await team.log({"a": b"alive"})
    assert await team.contents() == {"a": b"alive"}


@pytest.mark.parametrize("name", METHODS)
async def test_bytes_that_do_not_parse_are_a_malformed_request(server: Server, name: str) -> None:
    with refused("FIELD_VIOLATION") as refusal:
        await call_raw(server, SERVICE.methods_by_name[name], [NOT_A_MESSAGE, NOT_A_MESSAGE])
    assert refusal.metadata == {"field": "request"}


@pytest.mark.parametrize("name", METHODS)
async def test_an_empty_message_is_refused_by_name_or_answered(server: Server, name: str) -> None:
    reason = await outcome_of(call_raw(server, SERVICE.methods_by_name[name], [b""]))
    if name == "GetServerInfo":
        assert reason == ""
    else:
        assert CODES[reason] in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("seed", range(4))
async def test_hostile_messages_get_a_reason_and_never_an_incident(
    server: Server, seed: int
) -> None:
    team = Team.new(server)
    version = await team.log({"a": b"1", "b/c": b"2"}, aliases=["best"], tags=["gold"])
    upload_id = await team.begin(base=team.ref())
    known: Known = {
        "entity": [team.name],
        "project": [team.project],
        "collection": [team.collection],
        "type": [team.type],
        "ref": [team.ref(), team.ref(":v0"), team.ref(":best")],
        "upload_id": [upload_id],
        "content_digest": [digest(b"1"), digest(b"")],
        "digests": [digest(b"1"), digest(b"1") + digest(b"2")],
        "recipe_digests": [digest(b"1")],
        "path": ["a", "b/c", "d"],
        "etag": [version.etag],
        "metadata_json": ["{}", '{"lr": 0.1}'],
        "filter": ["tag:gold", "version >= 0 AND NOT alias:best"],
    }
    hostile = HostileMessages(seed, known)
    reasons: set[str] = set()
    for name in METHODS * 4:
        method = SERVICE.methods_by_name[name]
        raws = [hostile.make(method.input_type).SerializeToString() for _ in range(3)]
        reason = await outcome_of(call_raw(server, method, raws))
        assert reason != "INTERNAL_ERROR", f"{name}: {raws}"
        reasons.add(reason)
    assert "" in reasons, "no request meant anything to the server"
    assert server.services.budget.used_bytes == 0
    await require_healthy(server)


async def test_fields_that_the_server_does_not_know_are_ignored(server: Server) -> None:
    team = Team.new(server)
    known = pb.PutVersionRequest(
        entity=team.name,
        project="birds",
        collection="calls",
        type="dataset",
        files=[pb.InlineFile(path="a", content=b"1")],
    ).SerializeToString()
    from_a_newer_client = known + b"\xf2\x7f\x05later"  # field 2046, five bytes
    method: RawUnary = server.channel.unary_unary(f"/{SERVICE.full_name}/PutVersion")
    response = pb.PutVersionResponse.FromString(await method(from_a_newer_client))
    assert response.created


async def test_after_all_that_the_server_still_serves(server: Server) -> None:
    services = server.services
    for budget in (services.budget, services.file_budget, services.read_budget):
        assert budget.used_bytes == 0
    await require_healthy(server)
