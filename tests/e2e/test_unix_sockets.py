"""Servers on Unix sockets: the address is kept from others as a port is."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import hydria
from tests.servers import server_program

SECONDS = 30


@pytest.fixture
def directory() -> Iterator[Path]:
    """Return a directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def store_at(address: str) -> str:
    with hydria.Client(address) as client:
        return client.server_info().store_id


def test_a_second_server_does_not_take_the_socket_of_a_first(directory: Path) -> None:
    listen = f"unix://{directory}/socket"
    with server_program(directory / "one", "--listen", listen) as first:
        before = store_at(first.address)
        command = [sys.executable, "-m", "hydria_server", "--data", str(directory / "two")]
        second = subprocess.run(
            [*command, "--listen", listen], capture_output=True, text=True, timeout=SECONDS
        )
        assert second.returncode == 1
        assert f"{listen} cannot be bound" in second.stderr
        assert second.stdout == ""
        assert store_at(first.address) == before


def test_the_socket_of_a_killed_server_is_used_again(directory: Path) -> None:
    listen = f"unix://{directory}/socket"
    with server_program(directory / "data", "--listen", listen) as killed:
        store = store_at(killed.address)
        killed.kill()
    assert (directory / "socket").is_socket()
    with server_program(directory / "data", "--listen", listen) as again:
        assert store_at(again.address) == store
        assert again.terminate() == 0
