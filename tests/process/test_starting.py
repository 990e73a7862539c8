"""What keeps a server from starting is said in a line, and harms nobody."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.forked_servers import ForkedServer, forked_server
from tests.faults.stub_client import random_files, stub_client

FILES = random_files(51, 1000)


def complaint_of(server: ForkedServer) -> str:
    """Return the one line of a server that did not start."""
    assert server.address == ""
    assert server.wait() == 1
    said = server.log.read_text()
    lines = [line for line in said.splitlines() if line.startswith("hydria server: ")]
    assert "Traceback" not in said
    assert len(lines) == 1, said
    return lines[0]


async def test_a_second_server_on_the_directory_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as first:
        announced = (data / "server.json").read_text()
        with forked_server(data) as second:
            complaint = complaint_of(second)
        assert str(data) in complaint
        assert f"process {first.process.pid}" in complaint
        assert "--data" in complaint
        assert (data / "server.json").read_text() == announced
        async with stub_client(first.address) as client:
            await client.upload(FILES)
        assert first.terminate() == 0

    with forked_server(data) as third:
        assert third.terminate() == 0


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with forked_server(tmp_path / "one") as first:
        with forked_server(tmp_path / "two", "--listen", first.address) as second:
            complaint = complaint_of(second)
        assert first.address in complaint
        assert "--listen" in complaint
        assert not (tmp_path / "two" / "server.json").exists()
        with forked_server(tmp_path / "two") as again:
            assert again.terminate() == 0


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with forked_server(tmp_path / "data", "--listen", "192.0.2.1:50051", "--insecure") as server:
        assert "192.0.2.1:50051" in complaint_of(server)


def test_a_data_directory_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        with forked_server(tmp_path / path.name, "--data", str(path)) as server:
            assert str(path) in complaint_of(server)
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system, let a server make a store there, and make it read-only."""
    root = tmp_path / "data"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(root)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount")
    try:
        with forked_server(root) as server:
            assert server.terminate() == 0
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def test_a_read_only_data_directory_is_refused(tmp_path: Path, read_only: Path) -> None:
    for path in (read_only, read_only / "new"):
        with forked_server(tmp_path / f"log-of-{path.name}", "--data", str(path)) as server:
            complaint = complaint_of(server)
        assert str(path) in complaint
        assert "Read-only" in complaint


@pytest.mark.parametrize("name", ["meta.db", "packs"])
def test_something_else_in_the_place_of_the_store_is_refused(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if name == "packs":
        (data / name).write_text("in the way")
    else:
        (data / name).mkdir()

    with forked_server(data) as server:
        complaint_of(server)


def test_a_database_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "meta.db").write_bytes(b"these are the only notes of somebody" * 100)

    with forked_server(data) as server:
        complaint_of(server)
    assert (data / "meta.db").read_bytes() == b"these are the only notes of somebody" * 100


def test_a_store_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as server:
        assert server.terminate() == 0
    connection = sqlite3.connect(data / "meta.db")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with forked_server(data) as server:
        complaint = complaint_of(server)
    assert "newer release" in complaint
    assert "9999" in complaint
    connection = sqlite3.connect(data / "meta.db")
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    connection.close()


def test_of_servers_that_start_at_once_on_one_directory_one_serves(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with forked_server(data) as one, forked_server(data) as two, forked_server(data) as three:
        assert [bool(server.address) for server in (one, two, three)].count(True) == 1


def test_the_module_can_be_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hydria_server", "--help"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert "--listen" in done.stdout
