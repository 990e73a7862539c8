"""Where a client looks for its server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hydria.address import find_address, parse_address
from hydria.errors import InvalidArgumentError


def write_address_file(data: Path, *, address: str, pid: int) -> dict[str, str]:
    data.mkdir(exist_ok=True)
    (data / "server.json").write_text(json.dumps({"address": address, "pid": pid}))
    return {"HYDRIA_DATA": str(data)}


def pid_of_a_process_that_ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("text", "target", "tls"),
    [
        ("localhost", "localhost:50051", False),
        ("127.0.0.1:7000", "127.0.0.1:7000", False),
        ("grpc://host:1", "host:1", False),
        ("http://host", "host:50051", False),
        ("http://host:8080/", "host:8080", False),
        ("grpcs://host", "host:443", True),
        ("https://host:8443", "host:8443", True),
        ("[::1]:7000", "[::1]:7000", False),
        ("[::1]", "[::1]:50051", False),
        ("::1", "[::1]:50051", False),
        ("unix:///run/hydria.sock", "unix:/run/hydria.sock", False),
    ],
)
def test_an_address_is_read_as_it_is_written(text: str, target: str, tls: bool) -> None:
    address = parse_address(text)

    assert (address.target, address.tls) == (target, tls)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["ftp://host", "unix://relative", "host:port", "host:70000", ":1", "http://", "a/b:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        parse_address(text)


def test_an_argument_goes_before_the_environment(tmp_path: Path) -> None:
    environ = {"HYDRIA_BASE_URL": "http://other:1", "HYDRIA_DATA": str(tmp_path)}

    assert find_address("one:2", environ=environ).target == "one:2"
    assert find_address(environ=environ).target == "other:1"


def test_a_running_server_of_this_machine_is_found_by_its_address_file(tmp_path: Path) -> None:
    environ = write_address_file(tmp_path, address="127.0.0.1:4711", pid=os.getpid())

    assert find_address(environ=environ).target == "127.0.0.1:4711"


def test_the_address_file_of_a_server_that_died_is_passed_over(tmp_path: Path) -> None:
    environ = write_address_file(
        tmp_path, address="127.0.0.1:4711", pid=pid_of_a_process_that_ended()
    )

    assert find_address(environ=environ).target == "127.0.0.1:50051"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"address": 3}', '{"pid": 1}'])
def test_a_garbled_address_file_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)

    assert find_address(environ={"HYDRIA_DATA": str(tmp_path)}).target == "127.0.0.1:50051"
