"""docs/operations.md: its tables compared with the code, its backup run, its claims tried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import cast

import grpc
import pytest
from blake3 import blake3
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import artifact_pb2_grpc, lineage_pb2, lineage_pb2_grpc, types_pb2
from hydria_server.domain.errors import ChunkCorruptError
from hydria_server.settings import Settings, parse_settings
from tests.docs.pages import Page
from tests.servers import ServerProcess, server_process

Stub = artifact_pb2_grpc.ArtifactServiceStub

PAGE = Page("operations.md")
NAME = {"entity": "demo", "project": "birds", "collection": "calls", "type": "dataset"}
REF = "demo/birds/calls"


@contextmanager
def serving(data: Path, *flags: str) -> Iterator[tuple[ServerProcess, Stub]]:
    with (
        server_process(data, *flags) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        yield server, artifact_pb2_grpc.ArtifactServiceStub(channel)


def put(stub: Stub, content: bytes) -> pb.PutVersionResponse:
    files = [pb.InlineFile(path="a.txt", content=content)]
    return stub.PutVersion(pb.PutVersionRequest(files=files, **NAME))


def content_of(stub: Stub, ref: str) -> bytes:
    frames = stub.Download(pb.DownloadRequest(ref=ref))
    return b"".join(frame.payload for frame in frames)


def test_every_setting_is_in_the_table_with_its_flag_variable_and_default() -> None:
    rows = PAGE.table("table: settings")
    names = [field.name for field in fields(Settings) if field.name != "failpoint"]
    assert [flag for flag, *_ in rows] == ["--" + name.replace("_", "-") for name in names]
    assert [row[1] for row in rows] == ["HYDRIA_" + name.upper() for name in names]
    defaults = {variable: default for _, variable, default, _ in rows[1:]}
    assert parse_settings(["--data", "/data"], defaults) == Settings(data=Path("/data"))


def test_the_data_directory_has_what_the_table_says_and_no_more(tmp_path: Path) -> None:
    listed = {path for row in PAGE.table("table: data directory") for path in row[0].split(", ")}
    data = tmp_path / "data"
    with serving(data) as (server, stub):
        put(stub, b"hello")
        paths = {path.relative_to(data).as_posix() for path in data.rglob("*")}
        tops = {path for path in paths if not path.startswith("packs/") and path != "packs"}
        packs = {path for path in paths if path.count("/") == 1}
        assert tops | packs == listed
        assert data.stat().st_mode & 0o777 == 0o700
        printed = json.loads((data / "server.json").read_text())
        assert printed.keys() == {"address", "data", "pid", "version"}
        assert server.terminate() == 0
    assert not (data / "server.json").exists()
    assert not list((data / "packs" / "open").iterdir())


def test_calls_log_the_fields_of_the_table(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as (server, stub):
        _call_everything_that_notes(stub)
        _call_everything_about_runs(server.address)
        server.terminate()
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    always = {"time", "level", "logger", "message"}
    assert all(always <= line.keys() for line in lines)
    calls = [line for line in lines if line["message"] == "call"]
    listed = {name for row in PAGE.table("table: call fields") for name in row[0].split(", ")}
    assert {name for call in calls for name in call} - always == listed
    assert lines[0]["message"] == "settings"
    assert {field.name for field in fields(Settings)} <= lines[0].keys()


def _call_everything_that_notes(stub: Stub) -> None:
    content, digest = b"content", blake3(b"content").digest()
    upload_id = stub.CreateUpload(pb.CreateUploadRequest(**NAME)).upload.upload_id
    find = pb.FindMissingChunksRequest(upload_id=upload_id, digests=digest, sizes=[len(content)])
    stub.FindMissingChunks(find)
    batch = types_pb2.ChunkBatch(sizes=[len(content)], digests=digest, payload=content)
    stub.PutChunks(pb.PutChunksRequest(upload_id=upload_id, batch=batch))
    entry = pb.FileEntry(path="a.txt", size_bytes=len(content), content_digest=digest)
    staged = [pb.StageOperation(put=entry)]
    stub.StageFiles(pb.StageFilesRequest(upload_id=upload_id, seq=1, operations=staged))
    stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
    list(stub.StreamFiles(pb.StreamFilesRequest(ref=REF)))
    list(stub.Download(pb.DownloadRequest(ref=REF)))
    list(stub.ListChunks(pb.ListChunksRequest(ref=REF, paths=["a.txt"])))
    with pytest.raises(grpc.RpcError):
        stub.GetVersion(pb.GetVersionRequest(ref=f"{REF}:nope"))


def _call_everything_about_runs(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = lineage_pb2_grpc.LineageServiceStub(channel)
        begun = stub.CreateRun(lineage_pb2.CreateRunRequest(entity="demo", project="birds"))
        series = [lineage_pb2.MetricSeries(key="loss", steps=[0], values=[1.0])]
        batch = lineage_pb2.MetricBatch(series=series)
        stub.PutMetrics(lineage_pb2.PutMetricsRequest(run_ref=begun.run.ref, batch=batch))
        stub.RecordLineage(lineage_pb2.RecordLineageRequest(entity="demo"))
        request = lineage_pb2.IngestOpenLineageRequest(entity="demo", project="birds")
        stub.IngestOpenLineage(request)


def test_the_exit_codes_and_the_lock_are_as_described(tmp_path: Path) -> None:
    assert _start("--listen", "nowhere").returncode == 2
    data = tmp_path / "data"
    with serving(data) as (server, _):
        second = _start("--data", str(data), "--listen", "127.0.0.1:0")
        assert second.returncode == 1
        assert str(server.process.pid) in second.stderr
        taken = _start("--data", str(tmp_path / "other"), "--listen", server.address)
        assert taken.returncode == 1
        assert "cannot be bound" in taken.stderr


def _start(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hydria_server", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_health_says_serving_for_all_names(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (server, _), grpc.insecure_channel(server.address) as line:
        stub = health_pb2_grpc.HealthStub(line)
        for service in (
            "",
            "hydria.v1.ArtifactService",
            "hydria.v1.RegistryService",
            "hydria.v1.LineageService",
        ):
            request = health_pb2.HealthCheckRequest(service=service)
            answer = stub.Check(request)  # type: ignore[attr-defined] # its stubs forgot it
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_uploading_the_same_content_again_repairs_a_damaged_chunk(tmp_path: Path) -> None:
    data, content = tmp_path / "data", b"worth keeping " * 1000
    with serving(data) as (server, stub):
        put(stub, content)
        server.terminate()
    (pack,) = (data / "packs" / "sealed").rglob("*.pack")
    damaged = pack.read_bytes().replace(content, b"W" + content[1:])
    pack.write_bytes(damaged)
    with serving(data) as (_, stub):
        with pytest.raises(grpc.RpcError) as failure:
            content_of(stub, REF)
        assert ChunkCorruptError.reason.encode() in _trailers(failure.value)
        again = put(stub, content)
        assert (again.created, again.version.version) == (False, "v0")
        assert content_of(stub, REF) == content


def _trailers(failure: grpc.RpcError) -> bytes:
    found = dict(cast("grpc.Call", failure).trailing_metadata() or ())
    raw = found["grpc-status-details-bin"]
    assert isinstance(raw, bytes)
    return raw


def test_committing_the_same_files_again_repairs_a_damaged_manifest_shard(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as (server, stub):
        put(stub, b"content")
        server.terminate()
    (pack,) = (data / "packs" / "sealed").rglob("*.pack")
    pack.write_bytes(pack.read_bytes().replace(b"HYMS", b"hyms"))
    with serving(data) as (_, stub):
        with pytest.raises(grpc.RpcError):
            content_of(stub, REF)
        put(stub, b"content")
        assert content_of(stub, REF) == b"content"


def test_a_store_starts_from_the_backup_that_the_page_makes(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    program = tmp_path / "backup.py"
    program.write_text(PAGE.block("example: backup.py"), encoding="utf-8")
    command = [sys.executable, str(program), str(data), str(backup)]
    with serving(data) as (server, stub):
        put(stub, b"first")
        subprocess.run(command, check=True, timeout=60)
        put(stub, b"second")
        server.terminate()  # seals the pack that was copied while it was open
    with serving(data) as (_, stub):
        put(stub, b"third")
        subprocess.run(command, check=True, timeout=60)
        put(stub, b"fourth")
    with serving(backup) as (_, stub):
        assert content_of(stub, f"{REF}:v0") == b"first"
        assert content_of(stub, f"{REF}:latest") == b"third"
        assert put(stub, b"fourth").version.version == "v3"
