"""The server and the client, each a process of its own, and how much memory they took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STOP_SECONDS = 60


class ServerProcess:
    """A server on a directory of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self.address = address

    def peak_memory_bytes(self) -> int:
        """Return the most memory that was resident so far; 0 where the system does not tell."""
        return _peak_memory_bytes(self._process.pid)

    def reset_peak_memory(self) -> None:
        """Forget the peak so far, where the system can."""
        try:
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        except OSError:
            return

    def cpu_seconds(self) -> float:
        """Return the processor time spent so far; 0.0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(data: Path) -> Iterator[ServerProcess]:
    """Run the server program on `data`, on a free port, until the block is left."""
    command = [sys.executable, "-m", "hydria_server", "--data", str(data)]
    command += ["--listen", "127.0.0.1:0", "--log-level", "warning"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    try:
        yield ServerProcess(process, json.loads(process.stdout.readline())["address"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)
        process.stdout.close()


def run_client(address: str, step: str, *arguments: str) -> dict[str, float]:
    """Run one step of benchmarks.client_step in a process of its own; return what it measured."""
    command = [sys.executable, "-m", "benchmarks.client_step", address, step, *arguments]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(found.stdout)
    return measured


def _peak_memory_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
