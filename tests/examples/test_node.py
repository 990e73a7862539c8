"""The programs of examples/node against a server, and against the Python client."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from blake3 import blake3

from hydria import Client
from hydria.v1 import artifact_pb2 as pb
from tests.servers import server_program

PROGRAMS = Path(__file__).resolve().parents[2] / "examples" / "node"
NODE = shutil.which("node")
IS_THERE = NODE is not None and (PROGRAMS / "node_modules").is_dir()
IS_REQUIRED = "EXAMPLES_REQUIRED" in os.environ  # by `make examples`, where a skip would be a lie
LARGE = blake3(b"hydria chunker example").digest(length=3_000_000)
FILES = {
    "empty": b"",
    "hello.txt": b"hello, hydria\n",
    "a/b/c.txt": b"deep",
    "a/b.unfinished": b"a name like that of a file in the making",
    "größe/name with spaces": b"x" * 100_000,
    "large.bin": LARGE,
}

pytestmark = pytest.mark.skipif(
    not (IS_THERE or IS_REQUIRED), reason="`make examples` installs what these programs need"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server_program(tmp_path_factory.mktemp("node") / "data") as server:
        yield server.address


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def test_what_python_uploads_node_downloads_byte_for_byte(
    address: str, source: Path, tmp_path: Path
) -> None:
    with Client(address, cache_dir=tmp_path / "cache") as client:
        client.log("demo/python/files", source, type="dataset")
    assert _run("download.mjs", address, "demo/python/files", tmp_path / "copy").returncode == 0
    assert _files(tmp_path / "copy") == FILES


def test_what_node_uploads_python_downloads_byte_for_byte(
    address: str, source: Path, tmp_path: Path
) -> None:
    arguments = (address, "demo/node/files", "dataset", source)
    assert _run("upload.mjs", *arguments).stdout == "demo/node/files:v0 new\n"
    with Client(address, cache_dir=tmp_path / "cache") as client:
        client.download("demo/node/files", tmp_path / "copy")
    assert _files(tmp_path / "copy") == FILES
    assert _run("upload.mjs", *arguments).stdout == "demo/node/files:v0 known\n"


def test_a_refusal_is_shown_with_its_reason(address: str, source: Path, tmp_path: Path) -> None:
    refused = _run("download.mjs", address, "demo/nowhere/files", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("NOT_FOUND: RESOURCE_NOT_FOUND: ")
    refused = _run("upload.mjs", address, "demo/model-registry/files", "model", source)
    assert refused.returncode == 1
    assert refused.stderr.startswith("INVALID_ARGUMENT: NAME_RESERVED: ")


def test_a_refusal_of_one_file_is_shown_with_its_reason(address: str, tmp_path: Path) -> None:
    (tmp_path / "back\\slash").write_bytes(b"x" * 100_000)
    refused = _run("upload.mjs", address, "demo/node/bad", "dataset", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("INVALID_ARGUMENT: PATH_INVALID: ")


def test_without_a_server_the_failure_says_so(tmp_path: Path) -> None:
    failed = _run("download.mjs", f"unix://{tmp_path}/nobody", "demo/python/files", tmp_path)
    assert (failed.returncode, failed.stderr[:12]) == (1, "UNAVAILABLE:")


def test_a_link_in_the_target_does_not_lead_out_of_it(
    address: str, source: Path, tmp_path: Path
) -> None:
    with Client(address, cache_dir=tmp_path / "cache") as client:
        client.log("demo/links/files", source, type="dataset")
    (tmp_path / "copy").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "copy" / "a").symlink_to(tmp_path / "outside")
    assert _run("download.mjs", address, "demo/links/files", tmp_path / "copy").returncode == 1
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("path", ["../escaped", "/escaped", "a/../../escaped", "a//b", "."])
def test_a_path_that_climbs_is_refused_before_anything_is_written(
    tmp_path: Path, path: str
) -> None:
    with _lying_server(path, b"content", blake3(b"content").digest()) as address:
        refused = _run("download.mjs", address, "demo/lies/files", tmp_path / "copy")
    assert (refused.returncode, refused.stderr) == (1, f'Error: "{path}" is not a path\n')
    assert _files(tmp_path) == {}


def test_bytes_that_do_not_match_their_digest_are_not_put_in_place(tmp_path: Path) -> None:
    with _lying_server("file", b"content", blake3(b"other").digest()) as address:
        refused = _run("download.mjs", address, "demo/lies/files", tmp_path / "copy")
    assert (refused.returncode, refused.stderr) == (1, 'Error: "file" is not what was stored\n')
    assert _files(tmp_path) == {}


@contextmanager
def _lying_server(path: str, content: bytes, digest: bytes) -> Iterator[str]:
    """Serve one download of one file, whatever is asked for."""
    size = len(content)
    frame = pb.DownloadResponse(
        files=[pb.DownloadedFile(path=path, size_bytes=size, content_digest=digest, length=size)],
        file_indexes=[0],
        offsets=[0],
        sizes=[size],
        payload=content,
        finished_file_indexes=[0],
    )
    download = grpc.unary_stream_rpc_method_handler(
        lambda request, context: iter([frame]),
        request_deserializer=pb.DownloadRequest.FromString,
        response_serializer=pb.DownloadResponse.SerializeToString,
    )
    server = grpc.server(futures.ThreadPoolExecutor(1))
    service = "hydria.v1.ArtifactService"
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"Download": download})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def _run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", PROGRAMS / program, *arguments], capture_output=True, text=True, timeout=60
    )
