"""What a running server tells of itself, and what it leaves when it stops."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from hydria.v1 import artifact_pb2 as pb
from hydria_server.settings import Settings
from tests.faults.forked_servers import ForkedServer, forked_server
from tests.faults.stub_client import NAME, random_files, stub_client
from tests.refusals import refused

FILES = random_files(52, 2_600_000, 700, 0)
SERVICE = "hydria.v1.ArtifactService"


def lines_of(server: ForkedServer) -> list[Mapping[str, str | int | float]]:
    """Return the log; every line of it is JSON."""
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the address file ----------------------------------------------------------------------------


def test_any_free_port_is_told_on_standard_output_and_in_a_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as server:
        told = json.loads((data / "server.json").read_text())
        assert told["address"] == server.address
        assert not server.address.endswith(":0")
        assert told["pid"] == server.process.pid
        assert told["data"] == str(data)
        assert told["version"]
        assert server.terminate() == 0


def test_what_it_stores_is_readable_by_its_user_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = os.umask(0)
    try:
        with forked_server(data) as server:
            assert mode_of(data / "server.json") == 0o600
            assert server.terminate() == 0
    finally:
        os.umask(before)
    open_to_others = [path for path in (data, *data.rglob("*")) if mode_of(path) & 0o077]
    assert open_to_others == []


def test_the_address_file_goes_when_the_server_stops(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data") as server:
        assert server.terminate() == 0
    assert not (tmp_path / "data" / "server.json").exists()


def test_the_address_file_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as server:
        server.kill()
    assert (data / "server.json").exists()
    with forked_server(data) as server:
        assert json.loads((data / "server.json").read_text())["address"] == server.address


def test_an_interrupt_stops_it_like_a_term(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data") as server:
        assert server.process.pid is not None
        os.kill(server.process.pid, signal.SIGINT)
        assert server.wait() == 0
    assert lines_of(server)[-1]["message"] == "stopped"


# --- the log -------------------------------------------------------------------------------------


def test_every_setting_is_logged_as_it_took_effect(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data", "--byte-budget", "50000000") as server:
        assert server.terminate() == 0

    (line,) = [line for line in lines_of(server) if line["message"] == "settings"]
    assert {field.name for field in fields(Settings)} <= set(line)
    assert line["byte_budget"] == "50000000"
    assert line["data"] == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("flags", "words"),
    [((), "no authentication yet"), (("--insecure",), "--insecure: whoever reaches")],
)
def test_it_says_who_may_call_it(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    with forked_server(tmp_path / "data", *flags) as server:
        assert server.terminate() == 0

    warnings = [line for line in lines_of(server) if line["level"] == "warning"]
    assert len(warnings) == 1
    assert words in str(warnings[0]["message"])


async def test_there_is_one_line_for_each_call(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data") as server:
        async with stub_client(server.address) as client:
            await client.upload(FILES)
            upload_id = await client.create()
            await client.send(upload_id, [b"chunk"])
            await client.upload_file(upload_id, "path-of-a-secret", b"content of a secret")
            await client.download(f"{NAME}:v0")
            with refused("ALIAS_NOT_FOUND"):
                await client.stub.GetVersion(pb.GetVersionRequest(ref=f"{NAME}:nowhere"))
        assert server.terminate() == 0

    calls = [line for line in lines_of(server) if line["message"] == "call"]
    methods = [str(line["method"]).rpartition("/")[2] for line in calls]
    chunks = methods.count("PutChunks")
    assert chunks >= 4
    assert [method for method in methods if method != "PutChunks"] == [
        *("CreateUpload", "FindMissingChunks", "StageFiles", "CommitUpload"),
        *("CreateUpload", "UploadChunks", "UploadFile", "Download", "GetVersion"),
    ]
    assert all(isinstance(line["milliseconds"], float) for line in calls)
    failed = [(line["code"], line.get("reason")) for line in calls if line["code"] != "OK"]
    assert ("NOT_FOUND", "ALIAS_NOT_FOUND") in failed
    assert "secret" not in server.log.read_text()


async def test_a_quiet_log_has_no_calls(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data", "--log-level", "error") as server:
        async with stub_client(server.address) as client:
            await client.upload(FILES)
        assert server.terminate() == 0
    assert server.log.read_text() == ""


# --- health, reflection, sockets -----------------------------------------------------------------


async def test_it_serves_health_for_itself_and_for_the_service(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data") as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            for name in ("", SERVICE):
                request = health_pb2.HealthCheckRequest(service=name)
                answer = await stub.Check(request)  # type: ignore[attr-defined]
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
                await stub.Check(  # type: ignore[attr-defined]
                    health_pb2.HealthCheckRequest(service="nothing")
                )


def services_of(server: ForkedServer) -> list[str]:
    """Return the services that reflection lists."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = stub.ServerReflectionInfo(iter([request]))  # type: ignore[operator]
        return [found.name for a in answers for found in a.list_services_response.service]


def test_reflection_describes_the_services_unless_it_is_off(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data") as server:
        assert SERVICE in services_of(server)
    with (
        forked_server(tmp_path / "data", "--reflection", "false") as server,
        pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"),
    ):
        services_of(server)


async def test_a_unix_socket_is_an_address_like_others(tmp_path: Path) -> None:
    listen = f"unix://{tmp_path}/s"
    for _ in range(2):
        with forked_server(tmp_path / "data", "--listen", listen) as server:
            assert server.address == listen
            async with stub_client(listen) as client:
                assert (await client.upload(FILES)).ref == f"{NAME}:v0"
            server.kill()  # leaves its socket behind
    assert (tmp_path / "s").exists()
